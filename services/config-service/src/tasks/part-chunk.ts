import type { TaskProblem } from '@gpt-load/contracts/api/task'
import { requireStandardGroup } from '../keys/insert-keys.ts'
import { keyProblem, type KeyLine } from '@gpt-load/contracts/parse-keys-text'
import type { ChangeTransaction } from '../truth/change-transaction.ts'
import type { VerbContext } from '../verb.ts'
import type { ApplyChunk, TaskWork } from './commit-chunk.ts'
import { openPart } from './import-input.ts'
import type { ImportEntry } from './key-entry.ts'
import type { TaskRow } from './task-row.ts'

/**
 * Work on one part of the keys that a request brought: prepared outside of the transaction, which answers how many keys it has
 * changed. The others count as skipped, what cannot be a key as failed.
 */
export function changePart(
  prepare: (
    ctx: VerbContext,
    task: TaskRow,
    keys: readonly KeyLine[],
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

function sortOut(entries: readonly ImportEntry[]): { keys: KeyLine[]; problems: TaskProblem[] } {
  const keys: KeyLine[] = []
  const problems: TaskProblem[] = []
  for (const entry of entries) {
    const line = 'key' in entry ? { ...entry, key: entry.key.trim() } : null
    const reason = 'problem' in entry ? entry.problem : keyProblem(entry.key.trim())
    if (line !== null && reason === null) keys.push(line)
    else problems.push({ line: entry.line, key_id: null, hint: '', reason: reason ?? '' })
  }
  return { keys, problems }
}
