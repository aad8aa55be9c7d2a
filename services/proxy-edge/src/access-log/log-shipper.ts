// The main thread's side of the request log: seals what workers hand over, keeps it in a bounded ring, sends it until it is
// acknowledged. Sending twice is harmless (a batch's identity never changes), not sending is a loss, so it never gives up.
// What the log stream does not take in time goes to the disk spool, if there is one, and is sent from there later; only past
// the bounds of both the oldest batches go, counted. While the stream is away everything goes to disk as it comes, so that a
// process that is killed then loses no more than one that is killed at any other time.
// Invariant, per edge instance: served = acknowledged + in flight (ring) + spooled + dropped.

import { maxReportedSources } from '@gpt-load/contracts/edge-report'
import type { LogBatchIdentity } from '@gpt-load/contracts/log-event'
import { createBackoff } from '@gpt-load/service-kit/backoff'
import type { Clock } from '@gpt-load/service-kit/clock'
import type { Logger } from '@gpt-load/service-kit/logger'
import { sealLogBatch } from '@gpt-load/transport/log-batch/log-batch'
import type { LogBatchCodec } from '@gpt-load/transport/log-batch/sealed-batch'
import type { LogProducer, SealedBatch } from '@gpt-load/transport/log-stream'
import type { LogSpool, SpoolChunk } from './spool/log-spool.ts'

/** About 600,000 requests: ten minutes without a broker at 1,000 requests/s. */
export const defaultMaxRingBytes = 64 * 1_048_576
/** Batches of one send; more would only make a failed one dearer. */
const maxBatchesPerSend = 64
/** What is not acknowledged by then goes to disk, which survives the process; a healthy broker takes a few milliseconds. */
const acknowledgeWithinMs = 500
/** Written to disk at once, and copied for it: a few milliseconds of the main thread. */
const spoolWriteBytes = 2 * 1_048_576

export type LogShipperCounts = {
  served: number
  acknowledged: number
  inFlight: number
  spooled: number
  dropped: number
  ringBytes: number
  sends: number
  failedSends: number
  /** Records of earlier processes that were sent from the spool. */
  recovered: number
  /** Most records in one second. */
  peakPerSecond: number
}

export interface LogShipper {
  /** Takes a worker's events over. Never waits, never throws. */
  add(identity: LogBatchIdentity, events: Uint8Array): void
  /** A worker died with events that it had not handed over. */
  noteLost(source: string, count: number): void
  /** Sequences handed out, per source. */
  sources(): { source: string; served: number }[]
  readonly counts: Readonly<LogShipperCounts>
  /** The spool has something to send, though no request came. */
  resume(): void
  /** Resolves true when everything is acknowledged or on disk, false when the time is over. */
  flush(timeoutMs: number): Promise<boolean>
  close(): Promise<void>
}

export function noLogShipperCounts(): LogShipperCounts {
  return {
    served: 0,
    acknowledged: 0,
    inFlight: 0,
    spooled: 0,
    dropped: 0,
    ringBytes: 0,
    sends: 0,
    failedSends: 0,
    recovered: 0,
    peakPerSecond: 0,
  }
}

export function createLogShipper(options: {
  producer: LogProducer
  codec: LogBatchCodec
  clock: Clock
  logger: Logger
  maxRingBytes?: number
  /** Absent: memory only. */
  spool?: LogSpool | null
}): LogShipper {
  const { producer, codec, clock, logger, maxRingBytes = defaultMaxRingBytes } = options
  const spool = options.spool ?? null
  const closing = new AbortController()
  const backoff = createBackoff({ baseMs: 100, maxMs: 2_000, minMs: 20 })
  const counts = noLogShipperCounts()
  const served = new Map<string, number>()
  let second = { startedAtMs: 0, records: 0 }
  let ring: SealedBatch[] = []
  /** The first so many of the ring are in hand and stay where they are. */
  let inHand = 0
  let sending: Promise<void> | undefined
  let spooling: Promise<void> | undefined
  /** The log stream did not take the last batches: those that come go to disk. */
  let isAway = false
  let isEnding = false

  function dropOldest(): void {
    let dropped = 0
    while (counts.ringBytes > maxRingBytes && ring.length > inHand) {
      const [batch] = ring.splice(inHand, 1) as [SealedBatch]
      counts.ringBytes -= batch.bytes.length
      counts.inFlight -= batch.identity.count
      dropped += batch.identity.count
    }
    if (dropped === 0) return
    counts.dropped += dropped
    logger.error(
      { dropped, dropped_total: counts.dropped },
      'the log ring is full: the oldest request records were dropped',
    )
  }

  /** Live records and the spool take turns, so that neither waits for the other's end. */
  async function sendAll(): Promise<void> {
    while (!closing.signal.aborted && (ring.length > 0 || hasSpooled())) {
      const isSent = isAway ? await tryAgain() : (await sendRing()) && (await sendSpooled())
      isAway = !isSent
      if (isSent) backoff.reset()
      else {
        spoolRing()
        await clock.sleep(backoff.nextMs(), closing.signal)
      }
    }
  }

  /** What is on disk is the oldest: it shows whether the stream is back. */
  async function tryAgain(): Promise<boolean> {
    spoolRing()
    await spooling
    return hasSpooled() ? sendSpooled() : sendRing()
  }

  function hasSpooled(): boolean {
    return spool !== null && !spool.isEmpty
  }

  async function sendRing(): Promise<boolean> {
    await spooling
    if (ring.length === 0) return true
    inHand = Math.min(ring.length, maxBatchesPerSend)
    const batches = ring.slice(0, inHand)
    const isSent = await send(batches)
    if (isSent) for (const { count } of leaveRing(batches.length)) counts.acknowledged += count
    inHand = 0
    if (isSent && counts.ringBytes > maxRingBytes / 2) spoolRing()
    return isSent
  }

  async function sendSpooled(): Promise<boolean> {
    if (spool === null || spool.isEmpty || isEnding) return true
    const chunk = await nextSpooled(spool)
    if (chunk === 'unreadable') return false
    if (chunk === null) return true
    if (!(await send(chunk.batches))) return false
    const records = chunk.batches.reduce((sum, { identity }) => sum + identity.count, 0)
    if (chunk.isOwn) counts.acknowledged += records
    else counts.recovered += records
    await spool.acknowledge()
    noteSpool(spool)
    return true
  }

  async function nextSpooled(from: LogSpool): Promise<SpoolChunk | null | 'unreadable'> {
    try {
      return await from.next()
    } catch (error) {
      logger.error({ err: error }, 'the log spool cannot be read')
      return 'unreadable'
    }
  }

  async function send(batches: readonly SealedBatch[]): Promise<boolean> {
    counts.sends += 1
    const sent = producer.send(batches).then(
      () => null,
      (error: unknown) => error ?? new Error('the log stream took nothing'),
    )
    const failure = await (spool === null || isAway ? sent : inTime(sent))
    if (failure === null) return true
    counts.failedSends += 1
    const waiting = { in_memory: counts.inFlight, on_disk: counts.spooled }
    logger.warn({ err: failure, ...waiting }, 'request records wait for the log stream')
    return false
  }

  /** A send that is late may succeed yet: its batches come a second time then, which their identity makes harmless. */
  async function inTime(sent: Promise<unknown>): Promise<unknown> {
    const over = new AbortController()
    const late = clock
      .sleep(acknowledgeWithinMs, over.signal)
      .then(() => new Error(`no acknowledgement within ${acknowledgeWithinMs} ms`))
    const outcome = await Promise.race([sent, late])
    over.abort()
    return outcome
  }

  /** To disk with what nobody has in hand, in the background. */
  function spoolRing(): void {
    if (spool === null || inHand > 0) return
    spooling ??= writeRing(spool).finally(() => {
      spooling = undefined
    })
  }

  async function writeRing(to: LogSpool): Promise<void> {
    while (ring.length > 0) {
      inHand = firstOfRing(spoolWriteBytes)
      const isTaken = await to.append(ring.slice(0, inHand)).then(
        () => true,
        () => false,
      )
      if (isTaken) leaveRing(inHand)
      inHand = 0
      noteSpool(to)
      if (!isTaken) return
    }
  }

  /** How many of the oldest have no more than so many bytes; one at least. */
  function firstOfRing(maxBytes: number): number {
    let bytes = 0
    const end = ring.findIndex((batch) => {
      bytes += batch.bytes.length
      return bytes > maxBytes
    })
    return end === -1 ? ring.length : Math.max(1, end)
  }

  function leaveRing(howMany: number): LogBatchIdentity[] {
    const gone = ring.slice(0, howMany)
    ring = ring.slice(howMany)
    for (const { bytes, identity } of gone) {
      counts.ringBytes -= bytes.length
      counts.inFlight -= identity.count
    }
    return gone.map(({ identity }) => identity)
  }

  function noteServed({ source, count }: Pick<LogBatchIdentity, 'source' | 'count'>): void {
    counts.served += count
    const before = served.get(source) ?? 0
    // Back to the end: the oldest are those that have been silent for longest.
    served.delete(source)
    served.set(source, before + count)
    for (const oldest of served.keys()) {
      if (served.size <= maxReportedSources) break
      served.delete(oldest)
    }
    const now = clock.monotonicMs()
    if (now - second.startedAtMs >= 1_000) second = { startedAtMs: now, records: 0 }
    second.records += count
    counts.peakPerSecond = Math.max(counts.peakPerSecond, second.records)
  }

  let droppedBySpool = 0

  function noteSpool({ counts: stored }: LogSpool): void {
    counts.spooled = stored.records
    counts.dropped += stored.dropped - droppedBySpool
    droppedBySpool = stored.dropped
  }

  function wake(): void {
    sending ??= sendAll().finally(() => {
      sending = undefined
    })
  }

  return {
    add(identity, events) {
      const bytes = sealLogBatch({ identity, events, codec })
      ring.push({ identity, bytes })
      noteServed(identity)
      counts.inFlight += identity.count
      counts.ringBytes += bytes.length
      dropOldest()
      if (isAway) spoolRing()
      wake()
    },
    noteLost(source, count) {
      noteServed({ source, count })
      counts.dropped += count
    },
    sources: () => [...served].map(([source, count]) => ({ source, served: count })),
    counts,
    resume: wake,
    async flush(timeoutMs) {
      const deadline = clock.monotonicMs() + timeoutMs
      while (ring.length > 0 && clock.monotonicMs() < deadline) {
        wake()
        await Promise.race([sending, clock.sleep(Math.max(1, deadline - clock.monotonicMs()))])
      }
      return ring.length === 0
    },
    async close() {
      isEnding = true
      closing.abort()
      await sending
      spoolRing()
      await spooling
      if (counts.inFlight > 0)
        logger.error({ lost: counts.inFlight }, 'closed with request records that were neither acknowledged nor stored')
    },
  }
}
