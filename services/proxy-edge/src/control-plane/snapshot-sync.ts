// Keeps this edge at the revision of the control plane. Messages of the feed are hints: they are applied in order when they
// fit, else the edge pulls. Invariant: `revision` is claimed only when everything up to it was applied; applying anything
// twice changes nothing. What was removed for good is taken away when it is heard, and again in its turn: a revocation does not wait
// for the keys of an import before it. It never empties what is being served: not on another epoch, not while nobody answers.

import { adminAccessKeyId } from '@gpt-load/contracts/entity-id'
import type { ChangeFeedMessage } from '@gpt-load/contracts/change-feed-message'
import type { SnapshotRecord } from '@gpt-load/contracts/snapshot'
import type { Clock, Timer } from '@gpt-load/service-kit/clock'
import type { Logger } from '@gpt-load/service-kit/logger'
import { createBackoff } from '@gpt-load/service-kit/backoff'
import type { ChangeFeedSubscriber } from '@gpt-load/transport/change-feed'
import { maxDeltaWaitMs } from '@gpt-load/transport/internal-api'
import type { DeltaAnswer, InternalApi } from '@gpt-load/transport/internal-api'
import { loadBase } from './load-base.ts'
import { applySealed } from './apply-sealed.ts'
import { createClockSkew } from './clock-skew.ts'
import type { SnapshotApplier } from './snapshot-applier.ts'

export type SnapshotSyncOptions = {
  api: InternalApi
  feed: ChangeFeedSubscriber
  applier: SnapshotApplier
  edgeTokens: readonly string[]
  clock: Clock
  logger: Logger
  /** A revision was reached (also the first one). */
  onApplied(position: SnapshotPosition): void
  random?: () => number
}

export type SnapshotPosition = { epoch: string; revision: number }

export interface SnapshotSync {
  /** '' and 0 before the first snapshot. */
  readonly position: SnapshotPosition
  readonly isFeedConnected: boolean
  /** A base is in force, or being taken, and what came after it is not. */
  readonly isBehindBase: boolean
  readonly counts: { pulls: number; bases: number; fromFeed: number; heldTooLong: number; failures: number }
  /** Begins where a stored snapshot ended. */
  resumeAt(position: SnapshotPosition): void
  /**
   * Asks the control plane what is new, before anything is served: true when it has answered and all of it is in force,
   * false when the time is over (the asking goes on).
   */
  tryFirst(timeoutMs: number): Promise<boolean>
  /** From here on it keeps up by itself. */
  start(): void
  /** Something else said that there is news (another epoch in an answer to the outbox). */
  pullNow(): void
  close(): Promise<void>
}

/** How long a message that came too early may wait for the one before it. */
const holdMs = 50
const maxHeldMessages = 256
const reconcileMs = 60_000
/** config-service's own bound; the wait is cut when the feed connects. */
const longPollMs = Math.min(25_000, maxDeltaWaitMs)
const baseRetryMs = 500

/** Ids of keys and access keys are never given twice. A group may come back under its own, and so does AUTH_KEY. */
function isFinalRemoval(record: SnapshotRecord): boolean {
  return record.t === 'removed' && record.kind !== 'group' && !record.ids.includes(adminAccessKeyId)
}

export function createSnapshotSync(options: SnapshotSyncOptions): SnapshotSync {
  const { api, feed, applier, clock, logger } = options
  const random = options.random ?? Math.random
  const skew = createClockSkew()
  const closing = new AbortController()
  const counts = { pulls: 0, bases: 0, fromFeed: 0, heldTooLong: 0, failures: 0 }
  let position: SnapshotPosition = { epoch: '', revision: 0 }
  let held: ChangeFeedMessage[] = []
  let holdTimer: Timer | undefined
  let pulling: Promise<void> | undefined
  let isPullWanted = false
  let needsBase = true
  let isBehindBase = false
  let isFeedConnected = false
  let isFeedStalled = false
  let longPoll: AbortController | undefined
  let loops: Promise<unknown>[] = []
  const first = Promise.withResolvers<true>()

  function reached(next: SnapshotPosition): void {
    if (next.epoch === position.epoch && next.revision === position.revision) return
    position = next
    options.onApplied(position)
  }

  function noteServerTime(serverTimeMs: number): void {
    applier.setClockSkewMs(skew.add(serverTimeMs, clock.nowMs()))
  }

  /** While a pull is under way messages wait: its answer may be older than they are. */
  function onMessage(message: ChangeFeedMessage): void {
    noteServerTime(message.server_time_ms)
    if (message.epoch !== position.epoch) return pull({ base: position.epoch !== '' })
    if (message.revision <= position.revision) return
    held.push(message)
    removeEarly(message)
    if (held.length > maxHeldMessages) {
      held = []
      return pull()
    }
    if (pulling === undefined) applyHeld()
  }

  /** An older answer that is under way may bring it back until the message has its turn. */
  function removeEarly({ changes = [] }: ChangeFeedMessage): void {
    const removals = changes.filter(isFinalRemoval)
    for (const record of removals) applier.apply(record)
    if (removals.length > 0) applier.flush()
  }

  function applyHeld(): void {
    held = held.filter(({ epoch, revision }) => epoch === position.epoch && revision > position.revision)
    held.sort((a, b) => a.revision - b.revision)
    while (held[0] !== undefined && held[0].previous <= position.revision) {
      const message = held.shift() as ChangeFeedMessage
      if (message.revision <= position.revision) continue
      if (message.changes === undefined) return pull()
      for (const record of message.changes) applier.apply(record)
      applier.flush()
      counts.fromFeed += 1
      reached({ epoch: message.epoch, revision: message.revision })
    }
    if (held.length === 0 || holdTimer !== undefined) return
    holdTimer = clock.setTimeout(() => {
      holdTimer = undefined
      if (held.length === 0) return
      counts.heldTooLong += 1
      pull()
    }, holdMs)
  }

  /** Single flight: what is asked for during a pull is one more pull after it. */
  function pull({ base = false }: { base?: boolean } = {}): void {
    needsBase ||= base
    isPullWanted = true
    if (closing.signal.aborted) return
    pulling ??= runPulls().finally(() => {
      pulling = undefined
      if (!closing.signal.aborted) applyHeld()
    })
  }

  async function runPulls(): Promise<void> {
    const backoff = createBackoff({ baseMs: 100, maxMs: 2_000 })
    while (isPullWanted && !closing.signal.aborted) {
      isPullWanted = false
      try {
        await pullOnce({})
        first.resolve(true)
      } catch (error) {
        if (closing.signal.aborted) return
        counts.failures += 1
        isPullWanted = true
        logger.warn({ err: error, revision: position.revision }, 'pulling the snapshot failed')
        await clock.sleep(backoff.nextMs(), closing.signal).catch(() => undefined)
      }
    }
  }

  async function pullOnce({ waitMs, signal }: { waitMs?: number; signal?: AbortSignal }): Promise<void> {
    counts.pulls += 1
    if (needsBase) {
      isBehindBase = true
      await takeBase()
    }
    const ask = (cursor?: string) =>
      api.delta({
        epoch: position.epoch,
        since: position.revision,
        ...(cursor === undefined ? {} : { cursor }),
        ...(waitMs === undefined ? {} : { waitMs }),
        ...(signal === undefined ? {} : { signal }),
      })
    let asked: Promise<DeltaAnswer> | null = ask()
    while (asked !== null) {
      const answer: DeltaAnswer = await asked
      if (answer.kind === 'unchanged') break
      if (answer.kind === 'base_required') {
        needsBase = true
        return pullOnce({})
      }
      // The next one is read while this one is applied.
      asked = answer.cursor === undefined ? null : ask(answer.cursor)
      asked?.catch(() => undefined)
      const serverTimeMs = await applySealed(answer, options.edgeTokens, applier)
      if (serverTimeMs !== null) noteServerTime(serverTimeMs)
      applier.flush()
      if (asked === null && answer.revision > position.revision)
        reached({ epoch: answer.epoch, revision: answer.revision })
    }
    isBehindBase = false
  }

  async function takeBase(): Promise<void> {
    for (;;) {
      closing.signal.throwIfAborted()
      const manifest = await api.manifest()
      if (manifest !== null) {
        const isOtherEpoch = manifest.epoch !== position.epoch
        const isLoaded = await loadBase({
          api,
          manifest,
          isOtherEpoch,
          applier,
          edgeTokens: options.edgeTokens,
          signal: closing.signal,
        })
        if (isLoaded) {
          counts.bases += 1
          needsBase = false
          return reached({ epoch: manifest.epoch, revision: manifest.revision })
        }
      }
      await clock.sleep(baseRetryMs, closing.signal)
    }
  }

  const hearsOfNews = (): boolean => isFeedConnected && !isFeedStalled

  /** Without the feed, news come by long poll; with it this loop only waits for the feed to be lost. */
  async function pollWhileFeedIsAway(): Promise<void> {
    while (!closing.signal.aborted) {
      if (hearsOfNews() || needsBase || pulling !== undefined) {
        await clock.sleep(hearsOfNews() ? 100 : 20, closing.signal).catch(() => undefined)
        continue
      }
      longPoll = new AbortController()
      const signal = AbortSignal.any([longPoll.signal, closing.signal])
      pulling = pullOnce({ waitMs: longPollMs, signal })
        .catch(async (error: unknown) => {
          if (signal.aborted) return
          counts.failures += 1
          logger.warn({ err: error }, 'the long poll failed')
          await clock.sleep(200 + random() * 300, closing.signal).catch(() => undefined)
        })
        .finally(() => {
          pulling = undefined
          longPoll = undefined
          if (!closing.signal.aborted) applyHeld()
        })
      await pulling
      if (isPullWanted) pull()
    }
  }

  async function reconcile(): Promise<void> {
    while (!closing.signal.aborted) {
      await clock.sleep(reconcileMs * (0.75 + random() / 2), closing.signal).catch(() => undefined)
      pull()
    }
  }

  return {
    get position() {
      return position
    },
    get isFeedConnected() {
      return isFeedConnected
    },
    get isBehindBase() {
      return isBehindBase
    },
    counts,
    resumeAt(next) {
      needsBase = false
      reached(next)
    },
    async tryFirst(timeoutMs) {
      pull()
      return Promise.race([first.promise, clock.sleep(timeoutMs, closing.signal).then(() => false)])
    },
    start() {
      feed.subscribe({
        onMessage,
        onConnect() {
          isFeedConnected = true
          isFeedStalled = false
          longPoll?.abort()
          // Messages may have been missed.
          pull()
        },
        onStall() {
          isFeedStalled = true
          pull()
        },
        onResume() {
          isFeedStalled = false
          longPoll?.abort()
        },
        onDisconnect() {
          isFeedConnected = false
        },
      })
      pull()
      loops = [pollWhileFeedIsAway(), reconcile()]
    },
    pullNow: () => pull({ base: true }),
    async close() {
      closing.abort()
      holdTimer?.cancel()
      await feed.close()
      await Promise.allSettled([...loops, pulling])
    },
  }
}
