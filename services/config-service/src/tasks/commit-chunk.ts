import { maxTaskProblems, type TaskProblem } from '@gpt-load/contracts/api/task'
import type { TaskKind } from '@gpt-load/contracts/task-state'
import { bulkInsert } from '@gpt-load/database/bulk-insert'
import { databaseNowMs } from '@gpt-load/database/sql-runner'
import type { ChangeTransaction } from '../truth/change-transaction.ts'
import { commitChange } from '../truth/commit.ts'
import type { VerbContext } from '../verb.ts'
import { endTask } from './end-task.ts'
import { holdTask, leaseMs, type TaskLease } from './task-lease.ts'
import type { TaskRow } from './task-row.ts'

/**
 * What a chunk changes and how far the task is afterwards are one transaction and one revision: after a crash at any point
 * the next holder goes on behind the last chunk that was committed, so that nothing is done or counted twice.
 */
export type ChunkOutcome = {
  /** Everything up to here is done. */
  position: number
  isLast: boolean
  succeeded: number
  skipped: number
  failed: number
  problems: readonly TaskProblem[]
}

export type ApplyChunk = (tx: ChangeTransaction) => Promise<ChunkOutcome>

export type PreparedChunk = {
  apply: ApplyChunk
  /** The position after it, from which the next one may be prepared before this one is applied; null: it may not, or is none. */
  next: number | null
}

/** Reads and prepares one chunk outside of any transaction -> what writes it inside. */
export type TaskWork = (ctx: VerbContext, task: TaskRow) => Promise<PreparedChunk>

/** Answers whether the task has ended: by its last chunk, or because somebody cancelled it. */
export async function commitChunk(ctx: VerbContext, lease: TaskLease, apply: ApplyChunk): Promise<boolean> {
  const { result } = await commitChange({ ctx }, async (tx) => {
    const row = await holdTask(tx.sql, lease)
    if (row.is_cancelled === 1) {
      await endTask(tx.sql, row.id, { state: 'cancelled', nowMs: tx.nowMs })
      return true
    }
    const outcome = await apply(tx)
    await storeProgress(tx, row, outcome)
    if (outcome.isLast) await endTask(tx.sql, row.id, { state: 'succeeded', nowMs: tx.nowMs })
    return outcome.isLast
  })
  return result
}

async function storeProgress(tx: ChangeTransaction, row: TaskRow, outcome: ChunkOutcome): Promise<void> {
  const { position, succeeded, skipped, failed } = outcome
  await storeProblems(tx, row, outcome.problems)
  await tx.sql.execute(
    `UPDATE tasks SET position = ?, succeeded = succeeded + ?, skipped = skipped + ?, failed = failed + ?,
       problem_count = problem_count + ?, lease_until = ${databaseNowMs(tx.sql.dialect)} + ? WHERE id = ?`,
    [position, succeeded, skipped, failed, outcome.problems.length, leaseMs, row.id],
  )
  if (succeeded === 0 || unchangingKinds.has(row.kind)) return
  tx.atEnd(
    async (revision) => void (await tx.sql.execute('UPDATE tasks SET revision = ? WHERE id = ?', [revision, row.id])),
  )
}

/** Probes publish each verdict by itself; an export only reads. */
const unchangingKinds: ReadonlySet<TaskKind> = new Set(['validate', 'export'])

async function storeProblems(tx: ChangeTransaction, row: TaskRow, problems: readonly TaskProblem[]): Promise<void> {
  const kept = problems.slice(0, Math.max(0, maxTaskProblems - row.problem_count))
  await bulkInsert(tx.sql, {
    table: 'task_problems',
    columns: ['task_id', 'ordinal', 'line', 'key_id', 'hint', 'reason'],
    rows: kept.map(({ line, key_id, hint, reason }, index) => [
      row.id,
      row.problem_count + index,
      line,
      key_id,
      hint,
      reason.slice(0, maxReasonLength),
    ]),
  })
}

const maxReasonLength = 255
