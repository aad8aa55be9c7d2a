import type { DatabaseHandle } from '@gpt-load/database/database-handle'
import { databaseNowMs, placeholders } from '@gpt-load/database/sql-runner'
import { endTask } from './end-task.ts'

/** What tasks leave behind, removed in short transactions: input of those that ended, output
 * when its day is over, and after a month the tasks themselves. */
const keptMs = 30 * 86_400_000
/** A part of an input is half a megabyte. */
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

export async function removeTaskInputs(store: DatabaseHandle, signal: AbortSignal): Promise<number> {
  return inChunks(signal, () =>
    store.write(async ({ sql }) => {
      const [row] = await sql.query<{ task_id: number }>(
        `SELECT i.task_id FROM (SELECT DISTINCT task_id FROM task_inputs) i
         LEFT JOIN tasks t ON t.id = i.task_id WHERE t.id IS NULL OR t.finished_at > 0 LIMIT 1`,
      )
      if (row === undefined) return 0
      const parts = await sql.query<{ ordinal: number }>(
        `SELECT ordinal FROM task_inputs WHERE task_id = ? ORDER BY ordinal LIMIT ${partsPerChunk}`,
        [row.task_id],
      )
      return sql.execute(`DELETE FROM task_inputs WHERE task_id = ? AND ordinal IN (${placeholders(parts.length)})`, [
        row.task_id,
        ...parts.map(({ ordinal }) => ordinal),
      ])
    }),
  )
}

/** Of exports: when it may no longer be had, and when there was no end that it could be had after. */
export async function removeTaskOutputs(store: DatabaseHandle, nowMs: number, signal: AbortSignal): Promise<number> {
  return inChunks(signal, () =>
    store.write(async ({ sql }) => {
      const [row] = await sql.query<{ task_id: number }>(
        `SELECT o.task_id FROM (SELECT DISTINCT task_id FROM task_outputs) o LEFT JOIN tasks t ON t.id = o.task_id
         WHERE t.id IS NULL OR (t.finished_at > 0 AND t.output_until <= ?) LIMIT 1`,
        [nowMs],
      )
      if (row === undefined) return 0
      const parts = await sql.query<{ position: number }>(
        `SELECT position FROM task_outputs WHERE task_id = ? ORDER BY position LIMIT ${partsPerChunk}`,
        [row.task_id],
      )
      return sql.execute(`DELETE FROM task_outputs WHERE task_id = ? AND position IN (${placeholders(parts.length)})`, [
        row.task_id,
        ...parts.map(({ position }) => position),
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
