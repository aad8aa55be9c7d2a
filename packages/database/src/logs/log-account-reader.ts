import type { DeadLetterState } from '@gpt-load/contracts/api/log-account'
import type { SqlReader, SqlRow, SqlValue } from '../sql-client/sql-client.ts'
import { withoutTablesEmpty } from './without-tables-empty.ts'

/**
 * What log-ingest has written down about the records of each source, and what it could not store. Sources are
 * `{instance}.{worker}`; their sequences are consecutive from 1, so what is missing between two batches was never stored.
 */
export type SourceAccount = {
  source: string
  instance: string
  edge: string
  lastSequence: number
  committed: number
  sampledOut: number
  deadLettered: number
  lastCommittedAtMs: number
}
/** Inclusive. `seenAtMs`: when what comes after it was stored. */
export type SequenceGap = { from: number; to: number; isDeadLettered: boolean; seenAtMs: number }

export type DeadLetter = {
  id: number
  kind: 'record' | 'event'
  state: DeadLetterState
  reason: string
  topic: string
  partition: number
  offset: string
  source: string
  edge: string
  firstSequence: number
  eventCount: number
  bytes: number
  letteredAtMs: number
  settledAtMs: number
}

export interface LogAccountReader {
  sources(committedAfterMs: number): Promise<SourceAccount[]>
  /** The first so many gaps of a source, oldest first. Reads all of its batches. */
  gaps(source: string, limit: number): Promise<SequenceGap[]>
  /** When every partition was last seen stored to its end; null = something waits, or nobody looks. */
  caughtUpAtMs(): Promise<number | null>
  /** Newest first. */
  deadLetters(query: { limit: number; state?: DeadLetterState; beforeId?: number }): Promise<DeadLetter[]>
}

/** Identities are kept for 30 days: what an older source lacks at its beginning was removed with them. */
const identitiesKeptMs = 29 * 86_400_000

/** A topic that was made anew under another name leaves positions that nobody looks at any more. */
const positionsKeptMs = 3_600_000

export function createLogAccountReader(client: SqlReader, nowMs: () => number): LogAccountReader {
  const sql = withoutTablesEmpty(client)
  return {
    async sources(committedAfterMs) {
      const rows = await sql.read('SELECT * FROM log_sources WHERE last_committed_at >= ? ORDER BY source', [
        committedAfterMs,
      ])
      return rows.map(toAccount)
    },
    async gaps(source, limit) {
      const gaps = await sql.read(
        `SELECT expected, first_sequence, committed_at FROM (
           SELECT first_sequence, committed_at,
             LAG(first_sequence + event_count) OVER (ORDER BY first_sequence) AS expected
           FROM log_batches WHERE source = ?) g
         WHERE (expected IS NULL AND first_sequence > 1 AND committed_at > ?) OR first_sequence > expected
         ORDER BY first_sequence LIMIT ${limit}`,
        [source, nowMs() - identitiesKeptMs],
      )
      const letters = await sql.read(
        "SELECT first_sequence, event_count FROM log_dead_letters WHERE source = ? AND kind = 'record' AND state <> 'replayed' ORDER BY first_sequence",
        [source],
      )
      return gaps.flatMap((row) => splitGap(row, letters)).slice(0, limit)
    },
    async caughtUpAtMs() {
      const rows = await sql.read(
        'SELECT p.high_watermark, p.seen_at, o.next_offset FROM log_positions p LEFT JOIN log_offsets o ON o.topic = p.topic AND o.partition_id = p.partition_id WHERE p.seen_at > ?',
        [nowMs() - positionsKeptMs],
      )
      const isBehind = rows.some((row) => number(row, 'next_offset') < number(row, 'high_watermark'))
      return rows.length === 0 || isBehind ? null : Math.min(...rows.map((row) => number(row, 'seen_at')))
    },
    async deadLetters({ limit, state, beforeId }) {
      const parts = [
        '1 = 1',
        ...(state === undefined ? [] : ['state = ?']),
        ...(beforeId === undefined ? [] : ['id < ?']),
      ]
      const values = [state, beforeId].filter((value): value is DeadLetterState | number => value !== undefined)
      const rows = await sql.read(
        `SELECT id, kind, state, reason, topic, partition_id, record_offset, source, edge, first_sequence, event_count,
           LENGTH(bytes) AS size, lettered_at, settled_at FROM log_dead_letters WHERE ${parts.join(' AND ')}
         ORDER BY id DESC LIMIT ${limit}`,
        values,
      )
      return rows.map(toLetter)
    },
  }
}

/** Letters are tried again by log-ingest, soon; answers how many. null = all that wait or were refused. */
export async function requestReplay(
  sql: { execute(sql: string, values?: readonly SqlValue[]): Promise<number> },
  ids: readonly number[] | null,
): Promise<number> {
  if (ids?.length === 0) return 0
  const chosen = ids === null ? '' : ` AND id IN (${ids.map(() => '?').join(',')})`
  const values: SqlValue[] = ids === null ? [] : [...ids]
  return sql.execute(
    `UPDATE log_dead_letters SET state = 'replay' WHERE state IN ('waiting', 'refused')${chosen}`,
    values,
  )
}

/** What went to the dead letters whole is a part of the gap with a reason of its own. */
function splitGap(row: SqlRow, letters: readonly SqlRow[]): SequenceGap[] {
  const seenAtMs = number(row, 'committed_at')
  const end = number(row, 'first_sequence') - 1
  const parts: SequenceGap[] = []
  let from = row['expected'] === null ? 1 : number(row, 'expected')
  for (const letter of letters) {
    const first = number(letter, 'first_sequence')
    const last = Math.min(end, first + number(letter, 'event_count') - 1)
    if (first < from || first > end) continue
    if (first > from) parts.push({ from, to: first - 1, isDeadLettered: false, seenAtMs })
    parts.push({ from: first, to: last, isDeadLettered: true, seenAtMs })
    from = last + 1
  }
  if (from <= end) parts.push({ from, to: end, isDeadLettered: false, seenAtMs })
  return parts
}

function toAccount(row: SqlRow): SourceAccount {
  const source = String(row['source'])
  return {
    source,
    instance: source.slice(0, Math.max(0, source.lastIndexOf('.'))),
    edge: String(row['edge']),
    lastSequence: number(row, 'last_sequence'),
    committed: number(row, 'committed'),
    sampledOut: number(row, 'sampled_out'),
    deadLettered: number(row, 'dead_lettered'),
    lastCommittedAtMs: number(row, 'last_committed_at'),
  }
}

function toLetter(row: SqlRow): DeadLetter {
  return {
    id: number(row, 'id'),
    kind: row['kind'] as DeadLetter['kind'],
    state: row['state'] as DeadLetterState,
    reason: String(row['reason']),
    topic: String(row['topic']),
    partition: number(row, 'partition_id'),
    offset: String(row['record_offset']),
    source: String(row['source']),
    edge: String(row['edge']),
    firstSequence: number(row, 'first_sequence'),
    eventCount: number(row, 'event_count'),
    bytes: number(row, 'size'),
    letteredAtMs: number(row, 'lettered_at'),
    settledAtMs: number(row, 'settled_at'),
  }
}

const number = (row: SqlRow, column: string) => Number(row[column] ?? 0)
