import type { TaskProblem } from '@gpt-load/contracts/api/task'
import { requireStandardGroup } from '../keys/insert-keys.ts'
import { keyProblem } from '@gpt-load/contracts/parse-keys-text'
import type { ChangeTransaction } from '../truth/change-transaction.ts'
import type { VerbContext } from '../verb.ts'
import type { ApplyChunk, TaskWork } from './commit-chunk.ts'
import { openPart } from './import-input.ts'
import type { ImportEntry } from './read-key-lines.ts'
import type { TaskRow } from './task-row.ts'

/**
 * Work on one part of the keys that a request brought: prepared outside of the transaction, which answers how many keys it has
 * changed. The others count as skipped, what cannot be a key as failed.
 */
export function changePart(
  prepare: (
    ctx: VerbContext,
    task: TaskRow,
    keys: readonly string[],
  ) => Promise<(tx: ChangeTransaction) => Promise<number>>,
): TaskWork {
  return async (ctx, task) => {
    const { keys, problems } = sortOut(await openPart(ctx, task.id, task.position))
    const change = await prepare(ctx, task, keys)
    const position = task.position + 1
    const isLast = position >= task.end_position
    const apply: ApplyChunk = async (tx) => {
      await requireStandardGroup(tx.sql, task.group_id)
      const succeeded = await change(tx)
      await tx.sql.execute('DELETE FROM task_inputs WHERE task_id = ? AND ordinal = ?', [task.id, task.position])
      const skipped = keys.length - succeeded
      return { position, isLast, succeeded, skipped, failed: problems.length, problems }
    }
    return { apply, next: isLast ? null : position }
  }
}

function sortOut(entries: readonly ImportEntry[]): { keys: string[]; problems: TaskProblem[] } {
  const keys: string[] = []
  const problems: TaskProblem[] = []
  for (const entry of entries) {
    const key = 'key' in entry ? entry.key.trim() : ''
    const reason = 'key' in entry ? keyProblem(key) : entry.problem
    if (reason === null) keys.push(key)
    else problems.push({ line: entry.line, key_id: null, hint: '', reason })
  }
  return { keys, problems }
}
