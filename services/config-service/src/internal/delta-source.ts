import { faultOf } from '@gpt-load/database/database-errors'
import type { DatabaseHandle } from '@gpt-load/database/database-handle'
import type { Clock } from '@gpt-load/service-kit/clock'
import { createSingleFlight } from '@gpt-load/service-kit/single-flight'
import {
  InternalApiUnavailable,
  maxDeltaWaitMs,
  type DeltaAnswer,
  type DeltaRequest,
} from '@gpt-load/transport/internal-api'
import type { RevisionWatcher } from '../feed/revision-watcher.ts'
import { decodeDeltaCursor, encodeDeltaCursor, type DeltaCursor } from '../truth/delta-cursor.ts'
import type { RingEntry } from '../truth/delta-ring.ts'
import { encodeDelta } from '../truth/encode-delta.ts'
import type { RecordContext } from '../truth/policy-records.ts'
import { readDelta } from '../truth/read-delta.ts'
import type { Position } from '../truth/read-position.ts'

/**
 * Answers pulls: from the ring when it reaches back, encoded once for all edges that ask alike; else from the database, a few
 * at a time. A pull that finds nothing newer waits for the watcher. While the database is away, what the ring holds is still
 * answered, and long polls just wait.
 */
export type DeltaSourceOptions = {
  store: DatabaseHandle
  context: RecordContext
  watcher: RevisionWatcher
  clock: Clock
  edgeTokens: readonly string[]
}
export type DeltaSource = (request: DeltaRequest) => Promise<DeltaAnswer>

/** 4 MiB of records, their text and the sealed chunks each. */
const maxConcurrentReads = 2
const maxQueuedReads = 200
const maxWaiting = 2_000
/** `meta` carries the time by which edges correct their clocks. */
const encodedForMs = 250

type Delta = Extract<DeltaAnswer, { kind: 'delta' }>

export function createDeltaSource(options: DeltaSourceOptions): DeltaSource {
  const { store, context, watcher, clock, edgeTokens } = options
  const flight = createSingleFlight<DeltaAnswer>()
  const limited = limitConcurrency(maxConcurrentReads, maxQueuedReads)
  let encoded: { key: string; untilMs: number; delta: Delta } | null = null

  async function fromDatabase(epoch: string, since: number, cursor: DeltaCursor | null): Promise<DeltaAnswer> {
    const read = await store.readSnapshot((sql) =>
      readDelta(sql, context, { epoch, since, cursor }, { nowMs: clock.nowMs() }),
    )
    if (read.kind !== 'delta') return read
    const [meta, ...records] = read.records
    if (meta?.t !== 'meta') throw new Error('a delta begins with meta')
    const next = read.cursor === null ? {} : { cursor: encodeDeltaCursor(read.cursor) }
    return {
      kind: 'delta',
      epoch,
      revision: read.revision,
      ...next,
      ...encodeDelta(meta, records, edgeTokens),
    }
  }

  function fromRing(entries: readonly RingEntry[], { epoch, revision }: Position): Delta {
    const nowMs = clock.nowMs()
    const key = `${epoch} ${entries[0]?.previous} ${revision}`
    if (encoded !== null && encoded.key === key && encoded.untilMs > clock.monotonicMs()) return encoded.delta
    const meta = { t: 'meta' as const, epoch, revision, server_time_ms: nowMs }
    const records = entries.flatMap((entry) => entry.records)
    const delta: Delta = { kind: 'delta', epoch, revision, ...encodeDelta(meta, records, edgeTokens) }
    encoded = { key, untilMs: clock.monotonicMs() + encodedForMs, delta }
    return delta
  }

  /** What there is now; null when there is nothing newer. */
  async function news({ epoch, since }: DeltaRequest, isCurrent: boolean): Promise<DeltaAnswer | null> {
    const { head } = watcher.ring
    if (head.epoch !== epoch || since > head.revision) {
      if (isCurrent) return { kind: 'base_required' }
      throw new InternalApiUnavailable('the database is away, and only it knows what follows')
    }
    if (since === head.revision) return null
    const entries = watcher.ring.after(since)
    if (entries !== null) return fromRing(entries, head)
    return flight(`${epoch} ${since} ${head.revision}`, () => limited(() => fromDatabase(epoch, since, null)))
  }

  return async (request) => {
    try {
      if (request.cursor !== undefined) {
        const cursor = decodeDeltaCursor(request.cursor)
        if (cursor === null) return { kind: 'base_required' }
        const { epoch, since } = request
        return await flight(`${epoch} ${since} ${request.cursor}`, () =>
          limited(() => fromDatabase(epoch, since, cursor)),
        )
      }
      const isCurrent = await hasCaughtUp(watcher)
      const answer = await news(request, isCurrent)
      if (answer !== null) return answer
      const waitMs = Math.min(request.waitMs ?? 0, maxDeltaWaitMs)
      if (waitMs === 0) return { kind: 'unchanged' }
      if (watcher.waiting >= maxWaiting) throw new InternalApiUnavailable('too many edges wait here')
      const place = { epoch: request.epoch, revision: request.since }
      if (!(await watcher.waitBeyond(place, waitMs, request.signal))) return { kind: 'unchanged' }
      return (await news(request, true)) ?? { kind: 'unchanged' }
    } catch (error) {
      if (faultOf(error) !== 'unavailable') throw error
      throw new InternalApiUnavailable('the database is away', { cause: error })
    }
  }
}

async function hasCaughtUp(watcher: RevisionWatcher): Promise<boolean> {
  try {
    await watcher.catchUp()
    return true
  } catch (error) {
    if (faultOf(error) === 'unavailable') return false
    throw error
  }
}

function limitConcurrency(maxRunning: number, maxQueued: number): <T>(run: () => Promise<T>) => Promise<T> {
  const queue: (() => void)[] = []
  let running = 0
  return async (run) => {
    if (running >= maxRunning) {
      if (queue.length >= maxQueued) throw new InternalApiUnavailable('too many pulls at a time')
      const turn = Promise.withResolvers<void>()
      queue.push(turn.resolve)
      // Whoever leaves hands its place over: `running` stays.
      await turn.promise
    } else running += 1
    try {
      return await run()
    } finally {
      const next = queue.shift()
      if (next === undefined) running -= 1
      else next()
    }
  }
}
