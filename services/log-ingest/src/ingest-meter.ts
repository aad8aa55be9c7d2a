import type { Metrics } from '@gpt-load/service-kit/metrics'
import type { StreamPartition } from '@gpt-load/transport/log-stream'

/** What log-ingest counts about itself. */
export interface IngestMeter {
  committed(
    place: StreamPartition,
    commit: { rows: number; resentBatches: number; nextOffset: string; durationMs: number; nowMs: number },
  ): void
  deadLettered(reason: string): void
  /** Places with their next offset and time of the last commit. */
  positions(): readonly { place: StreamPartition; nextOffset: string; committedAtMs: number }[]
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
  const positions = new Map<string, { place: StreamPartition; nextOffset: string; committedAtMs: number }>()
  return {
    committed(place, commit) {
      rows.add(commit.rows)
      resent.add(commit.resentBatches)
      commitSeconds.observe(commit.durationMs / 1000)
      lastCommit.set(commit.nowMs / 1000, { topic: place.topic, partition: String(place.partition) })
      positions.set(`${place.topic}/${place.partition}`, {
        place,
        nextOffset: commit.nextOffset,
        committedAtMs: commit.nowMs,
      })
    },
    deadLettered: () => poison.add(1),
    positions: () => [...positions.values()],
  }
}
