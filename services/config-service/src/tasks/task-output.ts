import type { Keyring } from '@gpt-load/database/keyring'
import type { SqlRunner } from '@gpt-load/database/sql-runner'
import { ApiProblem } from '../http/api-problem.ts'
import type { VerbContext } from '../verb.ts'

/**
 * What an export has made: sealed parts in the database, so that any replica serves it and nothing is in clear outside of memory.
 * A part is what one chunk has read, and bears the position behind it.
 */
export type OutputPart = { taskId: number; position: number; keys: number; sealed: Uint8Array }

/** Long enough to be fetched on the next morning; a copy of every key of a group is not left lying about for longer. */
export const outputKeptMs = 86_400_000

/** Of all groups. Each may be a copy of every key, and takes about as much room as the keys do. */
export const maxOutputsKept = 100

/** Two that start at once may both be the last. */
export async function requireRoomForOutput({ store, clock }: Pick<VerbContext, 'store' | 'clock'>): Promise<void> {
  const [row] = await store.sql.query<{ outputs: number }>(
    "SELECT COUNT(*) AS outputs FROM tasks WHERE kind = 'export' AND (finished_at = 0 OR output_until > ?)",
    [clock.nowMs()],
  )
  if (Number(row?.outputs ?? 0) < maxOutputsKept) return
  throw new ApiProblem(
    'conflict',
    `There are ${maxOutputsKept} exports that are under way or can be downloaded: delete the output of some, or wait until their day is over.`,
  )
}

export function sealOutput(keyring: Keyring, at: Pick<OutputPart, 'taskId' | 'position'>, text: string): Uint8Array {
  return keyring.seal(text, purposeOf(at))
}

export async function storeOutput(sql: SqlRunner, { taskId, position, keys, sealed }: OutputPart): Promise<void> {
  await sql.execute('INSERT INTO task_outputs (task_id, position, key_count, sealed) VALUES (?, ?, ?, ?)', [
    taskId,
    position,
    keys,
    sealed,
  ])
}

/** Keys in all parts that are there. */
export async function countOutput(sql: SqlRunner, taskId: number): Promise<number> {
  const [row] = await sql.query<{ total: number | null }>(
    'SELECT SUM(key_count) AS total FROM task_outputs WHERE task_id = ?',
    [taskId],
  )
  return Number(row?.total ?? 0)
}

/** Part by part, as they are taken. Throws at the end when it was not all: what breaks off is not taken for the whole. */
export async function* openOutput(
  { sql, keyring }: { sql: SqlRunner; keyring: Keyring },
  taskId: number,
  wantedKeys: number,
): AsyncGenerator<string> {
  let keys = 0
  for (let part = await partAfter(sql, taskId, -1); part !== undefined;) {
    keys += part.key_count
    yield keyring.open(part.sealed, purposeOf({ taskId, position: part.position })).toString('utf8')
    part = await partAfter(sql, taskId, part.position)
  }
  if (keys !== wantedKeys) throw new Error(`the output of task ${taskId} went while it was read`)
}

async function partAfter(sql: SqlRunner, taskId: number, after: number) {
  const [part] = await sql.query<{ position: number; key_count: number; sealed: Uint8Array }>(
    `SELECT position, key_count, sealed FROM task_outputs WHERE task_id = ? AND position > ? ORDER BY position LIMIT 1`,
    [taskId, after],
  )
  return part
}

function purposeOf({ taskId, position }: Pick<OutputPart, 'taskId' | 'position'>): string {
  return `task_output.${taskId}.${position}`
}
