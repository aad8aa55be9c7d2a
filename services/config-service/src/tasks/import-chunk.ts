import type { TaskProblem } from '@gpt-load/contracts/api/task'
import { adjustKeyCounts } from '../keys/adjust-key-counts.ts'
import { hashKeys, insertKeys, requireStandardGroup, sealKeys, withoutKnown, type KeyRow } from '../keys/insert-keys.ts'
import { keyProblem } from '../keys/parse-keys-text.ts'
import type { ChangeTransaction } from '../truth/change-transaction.ts'
import type { VerbContext } from '../verb.ts'
import type { TaskWork } from './commit-chunk.ts'
import { openPart } from './import-input.ts'
import type { ImportEntry } from './read-key-lines.ts'
import { importParametersOf, type TaskRow } from './task-row.ts'

/** One part of the input: told apart from what the group has and sealed outside of the transaction that adds it. */
export const importChunk: TaskWork = async (ctx, task) => {
  const { keys, problems } = sortOut(await openPart(ctx, task.id, task.position))
  const rows = await newRows(ctx, task.group_id, keys)
  return async (tx) => {
    await requireStandardGroup(tx.sql, task.group_id)
    const succeeded = await addRows(tx, task, rows)
    await tx.sql.execute('DELETE FROM task_inputs WHERE task_id = ? AND ordinal = ?', [task.id, task.position])
    const position = task.position + 1
    return {
      position,
      isLast: position >= task.end_position,
      succeeded,
      skipped: keys.length - succeeded,
      failed: problems.length,
      problems,
    }
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

async function newRows({ keyring, store }: VerbContext, groupId: number, keys: readonly string[]): Promise<KeyRow[]> {
  const hashed = await hashKeys(keyring, [...new Set(keys)])
  return sealKeys(keyring, await withoutKnown(store.sql, groupId, hashed))
}

async function addRows(tx: ChangeTransaction, task: TaskRow, rows: readonly KeyRow[]): Promise<number> {
  if (rows.length === 0) return 0
  const inserted = await insertKeys(tx, task.group_id, rows, { ...importParametersOf(task), managedBy: null })
  const added = inserted.active
  if (added === 0) return 0
  await adjustKeyCounts(tx.sql, task.group_id, inserted)
  tx.audit({ action: 'key.import', entity: 'group', entityId: task.group_id, detail: { added, task: task.id } })
  return added
}
