import type { LogShipper } from './access-log/log-shipper.ts'
import type { FromWorker } from './worker-protocol.ts'

/**
 * Hands workers' records to the shipper and keeps count per worker, so that what a dead one had finished and not handed
 * over is known, and named as lost.
 */
export interface WorkerRecords {
  take(seatNumber: number, batch: Extract<FromWorker, { type: 'log_batch' }>): void
  /** The worker is dead; it had finished so many requests. */
  settle(seatNumber: number, finishedRequests: number): void
}

export function createWorkerRecords(shipper: LogShipper, sourceOf: (seatNumber: number) => string): WorkerRecords {
  const handedOver = new Map<number, number>()
  return {
    take(seatNumber, { identity, bytes }) {
      handedOver.set(seatNumber, (handedOver.get(seatNumber) ?? 0) + identity.count)
      shipper.add(identity, bytes)
      // It is sealed into a copy. Given back now: the collector of this thread comes by once in many batches.
      bytes.buffer.transfer(0)
    },
    settle(seatNumber, finishedRequests) {
      const lost = finishedRequests - (handedOver.get(seatNumber) ?? 0)
      if (lost > 0) shipper.noteLost(sourceOf(seatNumber), lost)
      handedOver.delete(seatNumber)
    },
  }
}
