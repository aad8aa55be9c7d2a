import { payloadRoom, release } from './access-log/record-memory.ts'
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
    take(seatNumber, { identity, memory, bytes }) {
      handedOver.set(seatNumber, (handedOver.get(seatNumber) ?? 0) + identity.count)
      // Sealed into a copy when that returns.
      shipper.add(identity, payloadRoom(memory).subarray(0, bytes))
      release(memory)
    },
    settle(seatNumber, finishedRequests) {
      const lost = finishedRequests - (handedOver.get(seatNumber) ?? 0)
      if (lost > 0) shipper.noteLost(sourceOf(seatNumber), lost)
      handedOver.delete(seatNumber)
    },
  }
}
