import type { ImportResult } from '../keys/import-keys.ts'
import { hashKeys, withoutKnown } from '../keys/insert-keys.ts'
import { keyProblem, type KeyLine } from '@gpt-load/contracts/parse-keys-text'
import type { ChangeContext } from '../verb.ts'

/** What `importKeys` would do, without doing it. `groupId` null: a group that is not there, so every key is new. */
const chunkKeys = 2_000

export async function countNewKeys(
  ctx: Pick<ChangeContext, 'store' | 'keyring'>,
  groupId: number | null,
  keys: AsyncIterable<KeyLine>,
): Promise<Pick<ImportResult, 'added' | 'duplicate' | 'malformed'>> {
  const counts = { added: 0, duplicate: 0, malformed: 0 }
  let chunk: string[] = []
  async function countChunk(): Promise<void> {
    const hashed = await hashKeys(ctx.keyring, [...new Set(chunk)])
    const fresh = groupId === null ? hashed : await withoutKnown(ctx.store.sql, groupId, hashed)
    counts.added += fresh.length
    counts.duplicate += chunk.length - fresh.length
    chunk = []
  }
  for await (const { key } of keys) {
    const trimmed = key.trim()
    if (keyProblem(trimmed) !== null) counts.malformed += 1
    else if (chunk.push(trimmed) >= chunkKeys) await countChunk()
  }
  if (chunk.length > 0) await countChunk()
  return counts
}
