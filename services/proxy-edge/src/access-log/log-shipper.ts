// The main thread's side of the request log: seals what workers hand over, keeps it in a bounded ring, sends it until it is
// acknowledged. Sending twice is harmless (a batch's identity never changes), not sending is a loss, so it never gives up;
// only past the ring's bound the oldest batches go, counted. A disk spool would stand between ring and drop.
// Invariant, per edge instance: served = acknowledged + in flight (ring) + dropped.

import type { LogBatchIdentity } from '@gpt-load/contracts/log-event'
import { createBackoff } from '@gpt-load/service-kit/backoff'
import type { Clock } from '@gpt-load/service-kit/clock'
import type { Logger } from '@gpt-load/service-kit/logger'
import { sealLogBatch } from '@gpt-load/transport/log-batch/log-batch'
import type { LogBatchCodec } from '@gpt-load/transport/log-batch/log-batch'
import type { LogProducer, SealedBatch } from '@gpt-load/transport/log-stream'

/** About 600,000 requests: ten minutes without a broker at 1,000 requests/s. */
export const defaultMaxRingBytes = 64 * 1_048_576
/** Batches of one send; more would only make a failed one dearer. */
const maxBatchesPerSend = 64

export type LogShipperCounts = {
  served: number
  acknowledged: number
  inFlight: number
  dropped: number
  ringBytes: number
  sends: number
  failedSends: number
}

export interface LogShipper {
  /** Takes a worker's events over. Never waits, never throws. */
  add(identity: LogBatchIdentity, events: Uint8Array): void
  /** A worker died with events that it had not handed over. */
  noteLost(count: number): void
  readonly counts: Readonly<LogShipperCounts>
  /** Resolves true when everything is acknowledged, false when the time is over. */
  flush(timeoutMs: number): Promise<boolean>
  close(): Promise<void>
}

export function createLogShipper(options: {
  producer: LogProducer
  codec: LogBatchCodec
  clock: Clock
  logger: Logger
  maxRingBytes?: number
}): LogShipper {
  const { producer, codec, clock, logger, maxRingBytes = defaultMaxRingBytes } = options
  const closing = new AbortController()
  const counts: LogShipperCounts = {
    served: 0,
    acknowledged: 0,
    inFlight: 0,
    dropped: 0,
    ringBytes: 0,
    sends: 0,
    failedSends: 0,
  }
  let ring: SealedBatch[] = []
  /** The first so many of the ring are being sent and stay where they are. */
  let sendingCount = 0
  let sending: Promise<void> | undefined

  function dropOldest(): void {
    let dropped = 0
    while (counts.ringBytes > maxRingBytes && ring.length > sendingCount) {
      const [batch] = ring.splice(sendingCount, 1) as [SealedBatch]
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

  async function sendAll(): Promise<void> {
    const backoff = createBackoff({ baseMs: 100, maxMs: 2_000, minMs: 20 })
    while (ring.length > 0 && !closing.signal.aborted) {
      sendingCount = Math.min(ring.length, maxBatchesPerSend)
      const batches = ring.slice(0, sendingCount)
      try {
        counts.sends += 1
        await producer.send(batches)
        acknowledge(batches)
        backoff.reset()
      } catch (error) {
        counts.failedSends += 1
        sendingCount = 0
        logger.warn({ err: error, waiting: counts.inFlight }, 'request records wait for the log stream')
        await clock.sleep(backoff.nextMs(), closing.signal)
      }
    }
  }

  function acknowledge(batches: readonly SealedBatch[]): void {
    ring = ring.slice(batches.length)
    sendingCount = 0
    for (const { bytes, identity } of batches) {
      counts.ringBytes -= bytes.length
      counts.inFlight -= identity.count
      counts.acknowledged += identity.count
    }
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
      counts.served += identity.count
      counts.inFlight += identity.count
      counts.ringBytes += bytes.length
      dropOldest()
      wake()
    },
    noteLost(count) {
      counts.served += count
      counts.dropped += count
    },
    counts,
    async flush(timeoutMs) {
      const deadline = clock.monotonicMs() + timeoutMs
      while (ring.length > 0 && clock.monotonicMs() < deadline) {
        wake()
        await Promise.race([sending, clock.sleep(Math.max(1, deadline - clock.monotonicMs()))])
      }
      return ring.length === 0
    },
    async close() {
      closing.abort()
      await sending
      if (counts.inFlight > 0)
        logger.error({ lost: counts.inFlight }, 'closed with request records that were not acknowledged')
    },
  }
}
