import { maxMalformedLines, type KeyAddResult } from '@gpt-load/contracts/api/key'
import { commitChange } from '../truth/commit.ts'
import type { ChangeContext } from '../verb.ts'
import { adjustKeyCounts, countKeys } from './adjust-key-counts.ts'
import {
  hashKeys,
  insertKeys,
  requireStandardGroup,
  sealKeys,
  withoutMostKnown,
  type HashedKey,
  type KeyDefaults,
  type KeyRow,
} from './insert-keys.ts'
import { keyProblem, type KeyLine } from '@gpt-load/contracts/parse-keys-text'

/**
 * Adds any number of keys to a group, a chunk per transaction and revision. Memory holds one chunk; what the group has
 * already costs a look-up and makes no revision. A crash in between leaves whole chunks: importing again adds the rest.
 */
export type ImportKeysOptions = {
  groupId: number
  keys: AsyncIterable<KeyLine> | Iterable<KeyLine>
  defaults: KeyDefaults
  /** Of the audit rows, e.g. `key.import`. */
  action: string
  signal?: AbortSignal
}

export type ImportResult = KeyAddResult & {
  /** Revision of the last chunk that changed something. */
  revision: number | null
}

/** A write transaction on SQLite may last 50 ms; 500 rows take about 8 ms. */
const chunkKeys = { mysql: 5_000, sqlite: 2_000 } as const

export async function importKeys(ctx: ChangeContext, options: ImportKeysOptions): Promise<ImportResult> {
  const progress: ImportResult = { ...emptyResult, malformed_lines: [], revision: null }
  await requireStandardGroup(ctx.store.sql, options.groupId)
  let chunk: KeyLine[] = []
  for await (const { line, key, ...details } of options.keys) {
    options.signal?.throwIfAborted()
    const trimmed = key.trim()
    const problem = keyProblem(trimmed)
    if (problem !== null) noteMalformed(progress, line, problem)
    else if (chunk.push({ line, key: trimmed, ...details }) >= chunkKeys[ctx.store.dialect]) {
      await importChunk(ctx, options, chunk, progress)
      chunk = []
    }
  }
  if (chunk.length > 0) await importChunk(ctx, options, chunk, progress)
  return { ...progress, total: await countKeys(ctx.store.sql, options.groupId) }
}

const emptyResult = { added: 0, duplicate: 0, malformed: 0, total: 0 }

function noteMalformed(progress: ImportResult, line: number, reason: string): void {
  progress.malformed += 1
  if (progress.malformed_lines.length < maxMalformedLines) progress.malformed_lines.push({ line, reason })
}

async function importChunk(
  ctx: ChangeContext,
  { groupId, defaults, action }: ImportKeysOptions,
  keys: readonly KeyLine[],
  progress: ImportResult,
): Promise<void> {
  const lines = new Map(keys.toReversed().map((line) => [line.key, line]))
  const hashed = await hashKeys(ctx.keyring, [...new Set(keys.map(({ key }) => key))])
  const fresh = await withoutMostKnown(ctx.store.sql, groupId, hashed)
  const { added, revision } = await addChunk(ctx, { groupId, fresh, lines, defaults, action })
  progress.added += added
  progress.duplicate += keys.length - added
  progress.revision = revision ?? progress.revision
}

type Chunk = Pick<ImportKeysOptions, 'groupId' | 'defaults' | 'action'> & {
  fresh: readonly HashedKey[]
  /** The first line of each key. */
  lines: ReadonlyMap<string, KeyLine>
}

async function addChunk(
  ctx: ChangeContext,
  { groupId, fresh, lines, defaults, action }: Chunk,
): Promise<{ added: number; revision: number | null }> {
  if (fresh.length === 0) return { added: 0, revision: null }
  const sealed = await sealKeys(ctx.keyring, fresh)
  const rows = sealed.map((row, index): KeyRow => {
    const { note, state } = lines.get(fresh[index]?.key ?? '') ?? {}
    return { ...row, ...(note !== undefined && { note }), ...(state && { state }) }
  })
  const { result: added, revision } = await commitChange({ ctx }, async (tx) => {
    await requireStandardGroup(tx.sql, groupId)
    const inserted = await insertKeys(tx, groupId, rows, defaults)
    if (inserted.added === 0) return 0
    await adjustKeyCounts(tx.sql, groupId, inserted.changes)
    tx.audit({ action, entity: 'group', entityId: groupId, detail: { added: inserted.added } })
    return inserted.added
  })
  return { added, revision }
}
