import type { LogBatchIdentity } from '@gpt-load/contracts/log-event'

/**
 * Port of the log stream: sealed batches from edges to log-ingest. Adapters: kafka-log-stream, in-process-log-stream.
 * A batch is opaque bytes here; its identity never changes, so sending it again is harmless.
 */
export type SealedBatch = { identity: LogBatchIdentity; bytes: Uint8Array }

export interface LogProducer {
  /** Resolves when every in-sync replica has all batches; rejects otherwise (then nothing is known: send again). */
  send(batches: readonly SealedBatch[]): Promise<void>
  isConnected(): boolean
  close(): Promise<void>
}

/** Key of a place in the stream. Offsets are decimal strings (Kafka's are 64 bits wide). */
export type StreamPartition = { topic: string; partition: number }
export type StreamRecord = StreamPartition & {
  offset: string
  bytes: Uint8Array
  timestampMs: number
  /** What the sender wrote beside the bytes, for when they cannot be read; null = nothing. */
  identity: LogBatchIdentity | null
}

export interface LogConsumerHandler {
  /**
   * A partition was assigned: answers the offset to continue at (what the database says), or null for the earliest.
   * Rejecting pauses the partition and asks again later.
   */
  startOffset(place: StreamPartition): Promise<string | null>
  /**
   * Records of one partition in offset order. Resolves when all are stored, as rows or as dead letters. Rejecting with
   * `SeekRequired` makes the consumer ask `startOffset` again; any other rejection pauses the partition and repeats.
   */
  handle(place: StreamPartition, records: readonly StreamRecord[]): Promise<void>
  onRevoked(place: StreamPartition): void
}

/** Another instance owns the partition or the offset row disagrees: ask for the stored offset again. */
export class SeekRequired extends Error {
  override name = 'SeekRequired'
}

export interface LogConsumer {
  run(handler: LogConsumerHandler): Promise<void>
  /** Highest offset of each assigned partition, for lag. */
  highWatermarks(): ReadonlyMap<string, string>
  isConnected(): boolean
  close(): Promise<void>
}
