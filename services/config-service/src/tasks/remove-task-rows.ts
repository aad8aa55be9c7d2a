import type { DatabaseHandle } from '@gpt-load/database/database-handle'
import { databaseNowMs, placeholders } from '@gpt-load/database/sql-runner'
import { endTask } from './end-task.ts'

/** What tasks leave behind, removed in short transactions: input of those that ended, output when its day is
 * over, and after a month the tasks themselves. */
const keptMs = 30 * 86_400_000
/** A part is about half a megabyte. */
const partsPerChunk = 8
const tasksPerChunk = 20

/** Imports whose receiver was killed; nothing of them was added. */
export async function endBrokenImports(store: DatabaseHandle, nowMs: number): Promise<void> {
  await store.write(async ({ sql }) => {
    const lock = sql.dialect === 'mysql' ? ' FOR UPDATE' : ''
    const broken = await sql.query<{ id: number }>(
      `SELECT id FROM tasks WHERE state = 'receiving' AND lease_until <= ${databaseNowMs(sql.dialect)} ORDER BY id${lock}`,
    )
    for (const { id } of broken) await endTask(sql, id, { state: 'failed', error: 'The upload broke off.', nowMs })
  })
}

export function removeTaskInputs(store: DatabaseHandle, signal: AbortSignal): Promise<number> {
  return removeParts(store, signal, { table: 'task_inputs', place: 'ordinal', isOver: 't.finished_at > 0', values: [] })
}

/** Of exports: when it may no longer be had, and when there was no end that it could be had after. */
export function removeTaskOutputs(store: DatabaseHandle, nowMs: number, signal: AbortSignal): Promise<number> {
  const isOver = 't.finished_at > 0 AND t.output_until <= ?'
  return removeParts(store, signal, { table: 'task_outputs', place: 'position', isOver, values: [nowMs] })
}

type Parts = { table: 'task_inputs' | 'task_outputs'; place: string; isOver: string; values: number[] }

/** Parts of tasks that are over, or gone. */
function removeParts(
  store: DatabaseHandle,
  signal: AbortSignal,
  { table, place, isOver, values }: Parts,
): Promise<number> {
  return inChunks(signal, () =>
    store.write(async ({ sql }) => {
      const [row] = await sql.query<{ task_id: number }>(
        `SELECT p.task_id FROM (SELECT DISTINCT task_id FROM ${table}) p LEFT JOIN tasks t ON t.id = p.task_id
         WHERE t.id IS NULL OR (${isOver}) LIMIT 1`,
        values,
      )
      if (row === undefined) return 0
      const parts = await sql.query<{ place: number }>(
        `SELECT ${place} AS place FROM ${table} WHERE task_id = ? ORDER BY ${place} LIMIT ${partsPerChunk}`,
        [row.task_id],
      )
      return sql.execute(`DELETE FROM ${table} WHERE task_id = ? AND ${place} IN (${placeholders(parts.length)})`, [
        row.task_id,
        ...parts.map((part) => part.place),
      ])
    }),
  )
}

export async function removeOldTasks(store: DatabaseHandle, nowMs: number, signal: AbortSignal): Promise<number> {
  return inChunks(signal, () =>
    store.write(async ({ sql }) => {
      const rows = await sql.query<{ id: number }>(
        `SELECT id FROM tasks WHERE finished_at > 0 AND finished_at < ? ORDER BY finished_at LIMIT ${tasksPerChunk}`,
        [nowMs - keptMs],
      )
      if (rows.length === 0) return 0
      const ids = rows.map(({ id }) => id)
      await sql.execute(`DELETE FROM task_problems WHERE task_id IN (${placeholders(ids.length)})`, ids)
      return sql.execute(`DELETE FROM tasks WHERE id IN (${placeholders(ids.length)})`, ids)
    }),
  )
}

async function inChunks(signal: AbortSignal, remove: () => Promise<number>): Promise<number> {
  let removed = 0
  for (let chunk = -1; chunk !== 0 && !signal.aborted; removed += Math.max(0, chunk)) chunk = await remove()
  return removed
}
