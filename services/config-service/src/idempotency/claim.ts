import { bulkInsert } from '@gpt-load/database/bulk-insert'
import type { DatabaseHandle } from '@gpt-load/database/database-handle'
import type { SqlRunner } from '@gpt-load/database/sql-runner'
import { ApiProblem } from '../http/api-problem.ts'

/**
 * The row of an Idempotency-Key: whoever writes it first runs the request, the others get its answer or are told to wait. Its
 * `locked_until` is the fence: who was taken for dead and replaced writes nothing more.
 */
export const idempotencyKeptMs = 86_400_000
/** Longer than a request may take: a transaction ends after 30 s by itself. */
const lockMs = 60_000

export type Claim = { hash: Uint8Array; lockedUntil: number }
export type ClaimResult = { claim: Claim } | { answer: Uint8Array }

type Row = {
  request: Uint8Array
  locked_until: number
  is_committed: number
  answer: Uint8Array | null
  created_at: number
}

export async function claimKey(
  store: DatabaseHandle,
  { hash, request, nowMs }: { hash: Uint8Array; request: Uint8Array; nowMs: number },
): Promise<ClaimResult> {
  const claim = { hash, lockedUntil: nowMs + lockMs }
  return store.write(async ({ sql }) => {
    const inserted = await bulkInsert(sql, {
      table: 'idempotency_keys',
      columns: ['hash', 'request', 'locked_until', 'is_committed', 'created_at'],
      rows: [[hash, request, claim.lockedUntil, false, nowMs]],
      ignoreDuplicates: true,
    })
    if (inserted === 1) return { claim }
    const row = await lockRow(sql, hash)
    if (row.created_at >= nowMs - idempotencyKeptMs) {
      refuseOtherRequest(row, request)
      if (row.answer !== null) return { answer: row.answer }
      refuseUnfinished(row, nowMs)
    }
    await sql.execute(
      'UPDATE idempotency_keys SET request = ?, locked_until = ?, is_committed = ?, answer = NULL, created_at = ? WHERE hash = ?',
      [request, claim.lockedUntil, false, nowMs, hash],
    )
    return { claim }
  })
}

async function lockRow(sql: SqlRunner, hash: Uint8Array): Promise<Row> {
  const lock = sql.dialect === 'mysql' ? ' FOR UPDATE' : ''
  const [row] = await sql.query<Row>(
    `SELECT request, locked_until, is_committed, answer, created_at FROM idempotency_keys WHERE hash = ?${lock}`,
    [hash],
  )
  // It was there a moment ago: the request that held it has failed, so this one may come again.
  if (row === undefined) throw inProgress()
  return row
}

function refuseOtherRequest(row: Row, request: Uint8Array): void {
  if (Buffer.from(row.request).equals(request)) return
  throw new ApiProblem('idempotency_mismatch', 'This Idempotency-Key was used with another path or body within a day.')
}

function refuseUnfinished(row: Row, nowMs: number): void {
  if (row.locked_until > nowMs) throw inProgress()
  if (row.is_committed === 0) return
  throw new ApiProblem(
    'idempotency_replay',
    'The server went down between the change and its answer. Read what is there.',
  )
}

export function inProgress(): ApiProblem {
  return new ApiProblem('idempotency_in_progress', 'Wait for its answer, then send it again to get the same one.', {
    headers: { 'retry-after': '1' },
  })
}
