import type { DatabaseHandle } from '@gpt-load/database/database-handle'
import { assertLease, type LeaseHold } from '@gpt-load/database/lease'

/** Bases in the database: sealed chunks and a row that becomes visible by `completed_at`, set last. */
export type StoredBase = {
  epoch: string
  revision: number
  content_key: Buffer
  chunks: number
  bytes: number
  chain: string
  created_at: number
  completed_at: number
}
export type BasePlace = { epoch: string; revision: number }

const baseColumns = 'epoch, revision, content_key, chunks, bytes, chain, created_at, completed_at'
const chunksPerRead = 4
/** A new base is taken by edges that come later; one that is being read now may be the one before. */
const basesKept = 2

export async function newestBase(store: DatabaseHandle, epoch: string): Promise<StoredBase | null> {
  const [row] = await store.sql.query<StoredBase>(
    `SELECT ${baseColumns} FROM snapshot_bases
     WHERE epoch = ? AND completed_at IS NOT NULL ORDER BY revision DESC LIMIT 1`,
    [epoch],
  )
  return row ?? null
}

export async function findBase(store: DatabaseHandle, { epoch, revision }: BasePlace): Promise<StoredBase | null> {
  const [row] = await store.sql.query<StoredBase>(
    `SELECT ${baseColumns} FROM snapshot_bases WHERE epoch = ? AND revision = ? AND completed_at IS NOT NULL`,
    [epoch, revision],
  )
  return row ?? null
}

/** What an interrupted build of the same revision left is replaced. */
export async function beginBase(
  store: DatabaseHandle,
  lease: LeaseHold,
  { epoch, revision }: BasePlace,
  contentKey: Uint8Array,
  nowMs: number,
): Promise<void> {
  await removeBase(store, { epoch, revision })
  await store.write(async ({ sql }) => {
    await assertLease(sql, lease)
    await sql.execute(
      'INSERT INTO snapshot_bases (epoch, revision, content_key, chunks, bytes, chain, created_at) ' +
        "VALUES (?, ?, ?, 0, 0, '', ?)",
      [epoch, revision, contentKey, nowMs],
    )
  })
}

export async function storeChunk(
  store: DatabaseHandle,
  lease: LeaseHold,
  { epoch, revision }: BasePlace,
  ordinal: number,
  chunk: Uint8Array,
): Promise<void> {
  await store.write(async ({ sql }) => {
    await assertLease(sql, lease)
    await sql.execute('INSERT INTO snapshot_chunks (epoch, revision, ordinal, bytes) VALUES (?, ?, ?, ?)', [
      epoch,
      revision,
      ordinal,
      chunk,
    ])
  })
}

export async function completeBase(
  store: DatabaseHandle,
  lease: LeaseHold,
  base: Omit<StoredBase, 'content_key' | 'created_at' | 'completed_at'>,
  nowMs: number,
): Promise<void> {
  await store.write(async ({ sql }) => {
    await assertLease(sql, lease)
    await sql.execute(
      'UPDATE snapshot_bases SET chunks = ?, bytes = ?, chain = ?, completed_at = ? WHERE epoch = ? AND revision = ?',
      [base.chunks, base.bytes, base.chain, nowMs, base.epoch, base.revision],
    )
  })
}

/** In order, as they were sealed. */
export async function* readChunks(
  store: DatabaseHandle,
  { epoch, revision, chunks }: StoredBase,
): AsyncGenerator<Buffer, void, void> {
  for (let ordinal = 0; ordinal < chunks; ordinal += chunksPerRead) {
    const rows = await store.sql.query<{ bytes: Buffer }>(
      'SELECT bytes FROM snapshot_chunks WHERE epoch = ? AND revision = ? AND ordinal >= ? AND ordinal < ? ORDER BY ordinal',
      [epoch, revision, ordinal, ordinal + chunksPerRead],
    )
    for (const { bytes } of rows) yield bytes
  }
}

/** Removes all but the newest complete bases, unfinished ones and those of other epochs; answers the oldest kept. */
export async function pruneBases(store: DatabaseHandle, epoch: string): Promise<number | null> {
  const bases = await store.sql.query<BasePlace & { completed_at: number | null }>(
    'SELECT epoch, revision, completed_at FROM snapshot_bases ORDER BY revision DESC',
  )
  const complete = bases.filter((base) => base.epoch === epoch && base.completed_at !== null)
  const kept = new Set(complete.slice(0, basesKept))
  for (const base of bases) if (!kept.has(base)) await removeBase(store, base)
  return complete.slice(0, basesKept).at(-1)?.revision ?? null
}

/** The row first: what is being removed is not offered any more. */
async function removeBase(store: DatabaseHandle, { epoch, revision }: BasePlace): Promise<void> {
  const [last] = await store.sql.query<{ ordinal: number | null }>(
    'SELECT MAX(ordinal) AS ordinal FROM snapshot_chunks WHERE epoch = ? AND revision = ?',
    [epoch, revision],
  )
  await store.sql.execute('DELETE FROM snapshot_bases WHERE epoch = ? AND revision = ?', [epoch, revision])
  for (let ordinal = last?.ordinal ?? -1; ordinal >= 0; ordinal -= chunksPerRead)
    await store.sql.execute('DELETE FROM snapshot_chunks WHERE epoch = ? AND revision = ? AND ordinal > ?', [
      epoch,
      revision,
      ordinal - chunksPerRead,
    ])
}
