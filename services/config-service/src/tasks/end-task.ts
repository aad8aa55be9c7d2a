import type { finalTaskStates } from '@gpt-load/contracts/task-state'
import type { SqlRunner } from '@gpt-load/database/sql-runner'

/**
 * The last thing that happens to a task, in its caller's transaction: nobody holds it any more. What it leaves of its input
 * goes in chunks (remove-task-rows.ts).
 */
export type Ending = { state: (typeof finalTaskStates)[number]; error?: string; nowMs: number }

const maxErrorLength = 255

export async function endTask(sql: SqlRunner, id: number, { state, error = '', nowMs }: Ending): Promise<void> {
  await sql.execute(
    `UPDATE tasks SET state = ?, error = ?, finished_at = ?, owner = '', lease_until = 0 WHERE id = ?`,
    [state, error.slice(0, maxErrorLength), nowMs, id],
  )
}
