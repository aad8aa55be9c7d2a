import type { Metrics } from '@gpt-load/service-kit/metrics'
import { placeKey } from '@gpt-load/transport/place-key'
import type { StreamPartition } from '@gpt-load/transport/log-stream'
import type { StoreOutcome } from './store-records.ts'

/** What log-ingest counts about itself. */
export interface IngestMeter {
  committed(
    place: StreamPartition,
    commit: StoreOutcome & { nextOffset: string; durationMs: number; nowMs: number },
  ): void
  /** Recorded bodies: requests that have some, and those that were passed over. */
  contentsCommitted(stored: number, dropped: number): void
  /** How far the stream reaches, by `topic/partition`. */
  seen(highWatermarks: ReadonlyMap<string, string>): void
}

export function createIngestMeter(metrics: Metrics): IngestMeter {
  const rows = metrics.counter({ name: 'gptload_ingest_rows_total', help: 'Request rows committed' })
  const resent = metrics.counter({
    name: 'gptload_ingest_resent_batches_total',
    help: 'Batches that were stored before',
  })
  const poison = metrics.counter({
    name: 'gptload_ingest_dead_letters_total',
    help: 'Records and events that could not be stored',
  })
  const commitSeconds = metrics.histogram({
    name: 'gptload_ingest_commit_seconds',
    help: 'Duration of a storing transaction',
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
  })
  const lastCommit = metrics.gauge<'topic' | 'partition'>({
    name: 'gptload_ingest_last_commit_timestamp_seconds',
    help: 'Time of the last commit per partition',
    labels: ['topic', 'partition'],
  })
  const lag = metrics.gauge<'topic' | 'partition'>({
    name: 'gptload_ingest_lag_records',
    help: 'Records (batches) of the stream that are not stored yet, per partition of this instance',
    labels: ['topic', 'partition'],
  })
  const contents = metrics.counter({
    name: 'gptload_ingest_contents_total',
    help: 'Requests whose recorded bodies were committed',
  })
  const droppedContents = metrics.counter({
    name: 'gptload_ingest_contents_dropped_total',
    help: 'Recorded bodies that could not be read or stored',
  })
  const nextOffsets = new Map<string, bigint>()
  return {
    committed(place, commit) {
      rows.add(commit.rows)
      resent.add(commit.resentBatches)
      commitSeconds.observe(commit.durationMs / 1000)
      poison.add(commit.deadLetters)
      lastCommit.set(commit.nowMs / 1000, { topic: place.topic, partition: String(place.partition) })
      nextOffsets.set(placeKey(place), BigInt(commit.nextOffset))
    },
    contentsCommitted(stored, dropped) {
      contents.add(stored)
      droppedContents.add(dropped)
    },
    seen(highWatermarks) {
      for (const [key, high] of highWatermarks) {
        const at = key.lastIndexOf('/')
        const next = nextOffsets.get(key)
        if (next !== undefined)
          lag.set(Math.max(0, Number(BigInt(high) - next)), { topic: key.slice(0, at), partition: key.slice(at + 1) })
      }
    },
  }
}
