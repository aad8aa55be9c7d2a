import type { DatabaseHandle } from '@gpt-load/database/database-handle'
import type { Clock } from '@gpt-load/service-kit/clock'
import type { Logger } from '@gpt-load/service-kit/logger'
import { coalesce } from '../truth/coalesce.ts'
import { createDeltaRing, type DeltaRing } from '../truth/delta-ring.ts'
import type { RecordContext } from '../truth/policy-records.ts'
import { readDelta } from '../truth/read-delta.ts'
import { readPosition, type Position } from '../truth/read-position.ts'

/**
 * Keeps the ring at the committed revision and wakes who waits for it. Our own commits are followed at once; those of other
 * replicas are seen by looking at the counter: often while somebody waits or the feed is away, else once a second. A
 * database that does not answer leaves everything as it was.
 */
export interface RevisionWatcher {
  readonly ring: DeltaRing
  /** Resolves when everything that was committed before the call is in the ring. */
  catchUp(): Promise<Position>
  /** True when the head has passed `place` (or changed its epoch), false after `timeoutMs` or an abort. */
  waitBeyond(place: Position, timeoutMs: number, signal?: AbortSignal): Promise<boolean>
  readonly waiting: number
  stop(): Promise<void>
}

export type RevisionWatcherOptions = {
  store: DatabaseHandle
  context: RecordContext
  clock: Clock
  logger: Logger
  /** What this replica had seen, before it moves to what the database says now. */
  onLooked?: (places: { seen: Position; now: Position }) => void
  /** Whether edges hear of changes by the feed. */
  isFeedConnected: () => boolean
}

const busyPollMs = 100
const idlePollMs = 1_000

export async function startRevisionWatcher(options: RevisionWatcherOptions): Promise<RevisionWatcher> {
  const { store, context, clock, logger } = options
  const ring = createDeltaRing(await readPosition(store.sql))
  const waiters = new Set<() => void>()
  const stopping = new AbortController()
  let poke = new AbortController()

  const catchUp = coalesce(async () => {
    const position = await readPosition(store.sql)
    const isNews = position.epoch !== ring.head.epoch || position.revision !== ring.head.revision
    if (isNews) options.onLooked?.({ seen: ring.head, now: position })
    if (isNews) await advance(store, context, ring, clock.nowMs())
    if (isNews) for (const wake of waiters) wake()
    return ring.head
  })

  async function poll(): Promise<void> {
    let isAway = false
    while (!stopping.signal.aborted) {
      const intervalMs = waiters.size > 0 || !options.isFeedConnected() ? busyPollMs : idlePollMs
      await clock.sleep(intervalMs, poke.signal)
      poke = new AbortController()
      if (stopping.signal.aborted) return
      const failure = await catchUp().then(
        () => null,
        (error: unknown) => error,
      )
      if (failure !== null && !isAway) logger.warn({ err: failure }, 'cannot read the revision')
      if (failure === null && isAway) logger.info('the revision can be read again')
      isAway = failure !== null
    }
  }

  function waitBeyond(place: Position, timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const isBeyond = () => ring.head.epoch !== place.epoch || ring.head.revision > place.revision
    const timer = clock.setTimeout(finish, timeoutMs, { isBackground: true })
    const wake = () => void (isBeyond() && finish())
    function finish(): void {
      timer.cancel()
      waiters.delete(wake)
      signal?.removeEventListener('abort', finish)
      stopping.signal.removeEventListener('abort', finish)
      resolve(isBeyond())
    }
    waiters.add(wake)
    signal?.addEventListener('abort', finish, { once: true })
    stopping.signal.addEventListener('abort', finish, { once: true })
    if (isBeyond() || signal?.aborted || stopping.signal.aborted) finish()
    // The loop may be in its long sleep.
    else if (waiters.size === 1) poke.abort()
    return promise
  }

  const polling = poll()
  return {
    ring,
    catchUp,
    waitBeyond,
    get waiting() {
      return waiters.size
    },
    async stop() {
      stopping.abort()
      poke.abort()
      await polling
    },
  }
}

async function advance(store: DatabaseHandle, context: RecordContext, ring: DeltaRing, nowMs: number): Promise<void> {
  const { epoch, revision: previous } = ring.head
  const read = await store.readSnapshot((sql) =>
    readDelta(sql, context, { epoch, since: previous, cursor: null }, { nowMs }),
  )
  if (read.kind === 'unchanged') return
  if (read.kind === 'base_required') {
    // Restored from a backup, or further behind than the change log reaches.
    await context.keyring.reload()
    ring.reset(await readPosition(store.sql))
  } else if (read.cursor !== null) {
    ring.reset({ epoch, revision: read.cursor.target })
  } else {
    const records = read.records.filter(({ t }) => t !== 'meta')
    ring.append({ previous, revision: read.revision, records, bytes: read.bytes })
  }
}
