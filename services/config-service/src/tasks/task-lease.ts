import { randomUUID } from 'node:crypto'
import { LeaseLost } from '@gpt-load/database/database-errors'
import type { DatabaseHandle } from '@gpt-load/database/database-handle'
import { databaseNowMs, type SqlRunner } from '@gpt-load/database/sql-runner'
import { taskColumns, type TaskRow } from './task-row.ts'

/**
 * Who works on a task: a lease in its own row, on the database's clock, like those of jobs (database, lease.ts). A holder
 * that stalls past its life is followed by another, with a higher fence; every chunk's transaction asks for its own fence
 * before it writes, so of two holders only the newer one changes anything.
 */
export type TaskLease = { taskId: number; owner: string; fence: number }

/** How long a task rests when the process that works on it is killed. Renewed at a third. */
export const leaseMs = 15_000
const candidates = 8

/** The longest-waiting task that nobody works on; null = there is none. */
export async function claimTask(store: DatabaseHandle): Promise<TaskLease | null> {
  const now = databaseNowMs(store.dialect)
  const waiting = await store.sql.query<{ id: number; fence: number }>(
    `SELECT id, fence FROM tasks WHERE state IN ('queued', 'running') AND lease_until <= ${now}
     ORDER BY lease_until, id LIMIT ${candidates}`,
  )
  const owner = randomUUID()
  for (const { id, fence } of waiting) {
    const taken = await store.sql.execute(
      `UPDATE tasks SET owner = ?, fence = fence + 1, lease_until = ${now} + ?, state = 'running',
         started_at = CASE WHEN started_at = 0 THEN ${now} ELSE started_at END
       WHERE id = ? AND fence = ? AND state IN ('queued', 'running') AND lease_until <= ${now}`,
      [owner, leaseMs, id, fence],
    )
    if (taken === 1) return { taskId: id, owner, fence: fence + 1 }
  }
  return null
}

export async function isAnyTaskWaiting({ sql }: Pick<DatabaseHandle, 'sql'>): Promise<boolean> {
  const rows = await sql.query(
    `SELECT id FROM tasks WHERE state IN ('queued', 'running') AND lease_until <= ${databaseNowMs(sql.dialect)} LIMIT 1`,
  )
  return rows.length > 0
}

/** The row, locked until the transaction ends, so that nobody takes the lease over or cancels before that. */
export async function holdTask(sql: SqlRunner, { taskId, owner, fence }: TaskLease): Promise<TaskRow> {
  const lock = sql.dialect === 'mysql' ? ' FOR UPDATE' : ''
  const [row] = await sql.query<TaskRow>(
    `SELECT ${taskColumns} FROM tasks WHERE id = ? AND owner = ? AND fence = ?${lock}`,
    [taskId, owner, fence],
  )
  if (row === undefined) throw new LeaseLost(`another replica took over task ${taskId}`)
  return row
}

/** Answers whether the lease is still held. */
export async function renewTask(sql: SqlRunner, { taskId, owner, fence }: TaskLease): Promise<boolean> {
  const renewed = await sql.execute(
    `UPDATE tasks SET lease_until = ${databaseNowMs(sql.dialect)} + ? WHERE id = ? AND owner = ? AND fence = ?`,
    [leaseMs, taskId, owner, fence],
  )
  return renewed === 1
}

/** Anybody may go on with it, at once; it goes to the end of the line. */
export async function releaseTask(sql: SqlRunner, { taskId, owner, fence }: TaskLease): Promise<void> {
  await sql.execute(
    `UPDATE tasks SET owner = '', lease_until = ${databaseNowMs(sql.dialect)} WHERE id = ? AND owner = ? AND fence = ?`,
    [taskId, owner, fence],
  )
}
