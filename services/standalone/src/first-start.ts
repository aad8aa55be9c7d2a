import { accessKeyCreateSchema } from '@gpt-load/contracts/api/access-key'
import { createAccessKey } from '@gpt-load/config-service/access-keys/create-access-key'
import type { VerbContext } from '@gpt-load/config-service/verb'
import type { DataDir } from '@gpt-load/service-kit/data-dir'
import { readSecret, writeSecret } from '@gpt-load/service-kit/secret-file'

/**
 * A new installation that nobody has configured gets an access key that opens every group, so that the first call needs a
 * provider key and nothing else. It is kept in a file of mode 0600 and nowhere else in clear.
 */
export async function createFirstAccessKey(ctx: VerbContext, dataDir: DataDir): Promise<void> {
  const body = accessKeyCreateSchema.parse({ name: 'first', all_groups: true })
  const { value } = await createAccessKey({ ctx, input: { body } })
  await writeSecret(dataDir.accessKeyFile, value.key)
}

/** What is still in the file; null when its owner has removed it. */
export async function firstAccessKey({ accessKeyFile }: DataDir): Promise<{ key: string; path: string } | null> {
  const key = await readSecret(accessKeyFile)
  return key === null ? null : { key, path: accessKeyFile }
}
