import type { LogBatchIdentity } from '@gpt-load/contracts/log-event'
import type { SqlValue } from '@gpt-load/database/sql-client/sql-client'
import type { StreamRecord } from '@gpt-load/transport/log-stream'
import type { EventLetter, OpenedRecord, PoisonRecord } from './open-records.ts'

/** Rows of log_dead_letters: what cannot be stored, with where it came from, why, and its bytes. */
export const letterColumns = [
  'kind',
  'state',
  'reason',
  'topic',
  'partition_id',
  'record_offset',
  'source',
  'edge',
  'first_sequence',
  'event_count',
  'bytes',
  'lettered_at',
  'settled_at',
] as const

/** Reasons name what is wrong, never content. */
const maxReasonChars = 500
const nobody: LogBatchIdentity = { source: '', edge: '', firstSequence: 0, count: 0 }

export function eventLetterRows({ record, identity, letters }: OpenedRecord, nowMs: number): SqlValue[][] {
  return letters.map(({ sequence, reason, bytes }: EventLetter) =>
    letterRow({
      kind: 'event',
      reason,
      record,
      bytes,
      nowMs,
      identity: { ...identity, firstSequence: sequence, count: 1 },
    }),
  )
}

export function poisonRow({ record, reason, identity }: PoisonRecord, nowMs: number): SqlValue[] {
  return letterRow({ kind: 'record', reason, record, bytes: record.bytes, nowMs, identity: identity ?? nobody })
}

function letterRow(letter: {
  kind: 'record' | 'event'
  reason: string
  record: StreamRecord
  identity: LogBatchIdentity
  bytes: Uint8Array
  nowMs: number
}): SqlValue[] {
  const { record, identity } = letter
  return [
    letter.kind,
    'waiting',
    letter.reason.slice(0, maxReasonChars).toWellFormed(),
    record.topic,
    record.partition,
    record.offset,
    identity.source,
    identity.edge,
    identity.firstSequence,
    identity.count,
    letter.bytes,
    letter.nowMs,
    0,
  ]
}
