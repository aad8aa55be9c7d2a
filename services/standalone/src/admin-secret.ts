import { rm } from 'node:fs/promises'
import { generateAdminKey, hashAdminKey } from '@gpt-load/database/admin-key-hash'
import type { DatabaseHandle } from '@gpt-load/database/database-handle'
import { createEnvironmentAdminKeys, createStoredAdminKeys } from '@gpt-load/config-service/admin-keys'
import type { AdminKeys } from '@gpt-load/config-service/admin-keys'
import type { Keyring } from '@gpt-load/database/keyring'
import type { DataDir } from '@gpt-load/service-kit/data-dir'
import { readSecret, writeSecret } from '@gpt-load/service-kit/secret-file'
import type { Greeting } from './greeting.ts'

/**
 * The admin key of standalone: AUTH_KEY when it is given, else one that was generated at the first start. The generated one
 * is stored as a hash; its file stays until the key is first used, then only its owner knows it.
 */
export async function openAdminKeys(
  dataDir: DataDir,
  database: DatabaseHandle,
  keyring: Keyring,
  authKey: string | undefined,
): Promise<{ adminKeys: AdminKeys; greeting: Greeting['adminKey'] }> {
  if (authKey !== undefined)
    return { adminKeys: createEnvironmentAdminKeys(authKey, keyring), greeting: { kind: 'environment' } }
  const stored = await database.database.adminKey.findMany()
  const created = stored.length === 0 ? await createAdminKey(dataDir, database) : null
  const waiting = created ?? (await readSecret(dataDir.adminKeyFile))
  const adminKeys = createStoredAdminKeys({
    loadHashes: async () => (await database.database.adminKey.findMany()).map(({ hash }) => hash),
    onFirstUse: async (hash) => {
      const now = BigInt(Date.now())
      await database.write((tx) =>
        tx.database.adminKey.updateMany({ where: { hash, first_used_at: null }, data: { first_used_at: now } }),
      )
      await rm(dataDir.adminKeyFile, { force: true })
    },
  })
  const greeting =
    waiting === null
      ? ({ kind: 'stored' } as const)
      : ({ kind: 'file', path: dataDir.adminKeyFile, key: waiting } as const)
  return { adminKeys, greeting }
}

/** File first: a hash whose key nobody has would lock the owner out. */
async function createAdminKey(dataDir: DataDir, database: DatabaseHandle): Promise<string> {
  const key = (await readSecret(dataDir.adminKeyFile)) ?? generateAdminKey()
  await writeSecret(dataDir.adminKeyFile, key)
  const hash = await hashAdminKey(key)
  await database.write((tx) => tx.database.adminKey.create({ data: { hash, created_at: BigInt(Date.now()) } }))
  return key
}
