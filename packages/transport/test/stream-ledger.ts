import { placeKey } from '../src/place-key.ts'
import { SeekRequired } from '../src/log-stream.ts'
import type { LogConsumerHandler, SealedBatch, StreamPartition, StreamRecord } from '../src/log-stream.ts'

/**
 * What log-ingest's database is to the consumer: positions and rows that change together, and only for whoever holds
 * the position (compare-and-set). Shared by all consumers of a test.
 */
export class StreamLedger {
  readonly positions = new Map<string, bigint>()
  readonly rows: string[] = []
  readonly asked: string[] = []
  readonly revoked: string[] = []
  refusals = 0

  startOffset(place: StreamPartition): string | null {
    this.asked.push(placeKey(place))
    return this.positions.get(placeKey(place))?.toString() ?? null
  }

  store(place: StreamPartition, records: readonly StreamRecord[]): void {
    const key = placeKey(place)
    const first = records[0]
    if (!first) return
    const position = this.positions.get(key)
    if (position !== undefined && position !== BigInt(first.offset)) {
      this.refusals++
      throw new SeekRequired(`${key} is at ${position}`)
    }
    for (const { offset, bytes } of records) {
      this.rows.push(textOf(bytes))
      this.positions.set(key, BigInt(offset) + 1n)
    }
  }

  handler(overrides: Partial<LogConsumerHandler> = {}): LogConsumerHandler {
    return {
      startOffset: async (place) => this.startOffset(place),
      handle: async (place, records) => this.store(place, records),
      onRevoked: (place) => void this.revoked.push(placeKey(place)),
      ...overrides,
    }
  }
}

export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString()
}

export function batchOf(sequence: number, bytes: Uint8Array = Buffer.from(`batch ${sequence}`)): SealedBatch {
  return { identity: { source: 'edge-1.0', edge: 'edge-1', firstSequence: sequence, count: 1 }, bytes }
}

export function batches(from: number, count: number): SealedBatch[] {
  return Array.from({ length: count }, (_, i) => batchOf(from + i))
}

export function rowsOf(from: number, count: number): string[] {
  return batches(from, count).map(({ bytes }) => textOf(bytes))
}

export function sorted(rows: readonly string[]): string[] {
  return [...rows].sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
}
