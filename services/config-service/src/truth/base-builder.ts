import type { DatabaseHandle } from '@gpt-load/database/database-handle'
import { withLease, type LeaseHold } from '@gpt-load/database/lease'
import type { Clock } from '@gpt-load/service-kit/clock'
import type { Logger } from '@gpt-load/service-kit/logger'
import { createContentKey } from '@gpt-load/transport/content-key'
import { createChunkWriter } from '@gpt-load/transport/snapshot-chunk'
import { beginBase, completeBase, newestBase, pruneBases, storeChunk, type StoredBase } from './base-store.ts'
import { maxTouchRows } from './change-log.ts'
import type { RecordContext } from './policy-records.ts'
import { pruneChangeLog } from './prune-change-log.ts'
import { readBase } from './read-base.ts'
import { readPosition, type Position } from './read-position.ts'

/**
 * Builds a base when the newest one is too far behind, on one replica at a time, and afterwards removes what no edge needs
 * any more. Serving one costs nothing but reading bytes; building costs one decryption per key.
 */
export type BaseBuilderOptions = {
  store: DatabaseHandle
  context: RecordContext
  clock: Clock
  logger: Logger
}

const leaseTtlMs = 30_000
/** Bounds on what a cold edge has to take beside the base: changed ids (the larger of the two) and revisions. */
const maxChangedIds = 20_000
const maxChangedShare = 0.25
const maxRevisions = 50_000
/** Half of what a delta reads at most (change-log): there must never be an edge that no delta and no base can serve. */
const maxTouches = maxTouchRows / 2
/**
 * While very many keys come and go each base is behind as soon as it is there: at most a twentieth of the time goes into bases, and
 * a cold edge takes the rest as a delta. Once nothing has changed for a moment the next one is built: it will last.
 * A key of a delta costs a cold edge several times what one of a base does, so a smaller share is worth a build too, once nothing has
 * changed for as long as the last one took: whatever comes how often, at most half of the time goes into these.
 */
const restPerBuild = 19
const quietMs = 3_000
const maxChangedShareAtRest = 0.05
/** Length prefix of each chunk in the file (chunk-splitter). */
const framePrefixBytes = 4

export function contentKeyPurpose({ epoch, revision }: Position): string {
  return `snapshot_base.${epoch}.${revision}`
}

/** Answers the position of a base that was built now, null when none was needed or another replica is at it. */
export async function buildBaseIfNeeded(options: BaseBuilderOptions, stop?: AbortSignal): Promise<Position | null> {
  const { store } = options
  if (!(await isBaseNeeded(store, options.clock.nowMs()))) return null
  const outcome = await withLease(store, 'snapshot-base', { ttlMs: leaseTtlMs }, async (lost, lease) => {
    const signal = stop === undefined ? lost : AbortSignal.any([lost, stop])
    if (!(await isBaseNeeded(store, options.clock.nowMs()))) return null
    const position = await buildBase(options, lease, signal)
    await pruneChangeLog(store, await pruneBases(store, position.epoch), options.clock.nowMs())
    return position
  })
  return outcome.held ? outcome.result : null
}

async function isBaseNeeded(store: DatabaseHandle, nowMs: number): Promise<boolean> {
  const { epoch, revision } = await readPosition(store.sql)
  const base = await newestBase(store, epoch)
  if (base === null || base.revision > revision) return true
  if (revision - base.revision > maxRevisions) return true
  const [changed] = await store.sql.query<{ ids: number | null; touches: number; changed_at: number | null }>(
    'SELECT SUM(id_to - id_from + 1) AS ids, COUNT(*) AS touches, MAX(created_at) AS changed_at FROM change_log WHERE revision > ?',
    [base.revision],
  )
  const { ids, touches } = { ids: Number(changed?.ids ?? 0), touches: changed?.touches ?? 0 }
  if (touches > maxTouches) return true
  const share = shareWorthABuild(base, nowMs, Number(changed?.changed_at ?? 0))
  if (ids <= maxChangedIds || share === null) return false
  const [keys] = await store.sql.query<{ stored: number | null }>('SELECT SUM(count) AS stored FROM group_key_counts')
  return ids > share * Number(keys?.stored ?? 0)
}

/** Null: none is, for now. */
function shareWorthABuild(
  { created_at: startedAt, completed_at: endedAt }: StoredBase,
  nowMs: number,
  changedAt: number,
): number | null {
  const tookMs = endedAt - startedAt
  const restedMs = nowMs - changedAt
  if (restedMs >= Math.max(quietMs, tookMs)) return maxChangedShareAtRest
  return restedMs >= quietMs || nowMs >= endedAt + restPerBuild * tookMs ? maxChangedShare : null
}

async function buildBase(
  { store, context, clock, logger }: BaseBuilderOptions,
  lease: LeaseHold,
  signal: AbortSignal,
): Promise<Position> {
  const startedMs = clock.monotonicMs()
  const built = await store.readSnapshot(async (sql) => {
    const position = await readPosition(sql)
    const contentKey = createContentKey()
    const sealedKey = context.keyring.seal(contentKey, contentKeyPurpose(position))
    await beginBase(store, lease, position, sealedKey, clock.nowMs())
    const writer = createChunkWriter({ contentKey, epoch: position.epoch })
    let ordinal = 0
    for await (const record of readBase(sql, context, position, clock.nowMs())) {
      signal.throwIfAborted()
      for (const chunk of writer.write(record)) await storeChunk(store, lease, position, ordinal++, chunk)
    }
    await storeChunk(store, lease, position, ordinal++, writer.finish())
    const bytes = writer.sealedBytes + framePrefixBytes * writer.chunkCount
    const chain = Buffer.from(writer.chain).toString('hex')
    return { ...position, chunks: writer.chunkCount, bytes, chain }
  })
  await completeBase(store, lease, built, clock.nowMs())
  const { epoch, revision, chunks, bytes } = built
  logger.info({ epoch, revision, chunks, bytes, ms: Math.round(clock.monotonicMs() - startedMs) }, 'base built')
  return { epoch, revision }
}
