import { setImmediate as turn } from 'node:timers/promises'
import { exportLineOf, readExportRows, type ExportRow } from '../keys/export-row.ts'
import { requireStandardGroup } from '../keys/insert-keys.ts'
import { selectKeys } from '../keys/select-keys.ts'
import type { VerbContext } from '../verb.ts'
import type { ApplyChunk, TaskWork } from './commit-chunk.ts'
import { changedPerChunk, rangeOf } from './selection-chunk.ts'
import { outputKeptMs, sealOutput, storeOutput } from './task-output.ts'
import { exportParametersOf, type TaskRow } from './task-row.ts'

/**
 * The next keys in id order as one sealed part of the output, which is stored with the position behind them: a key that is there
 * from the start to the end is in it once, whatever else changes and whoever is killed.
 */
export const exportChunk: TaskWork = async (ctx, task) => {
  const range = rangeOf(task, changedPerChunk[ctx.store.dialect])
  const chunk = await selectKeys(ctx.store.sql, range)
  const rows = await readExportRows(ctx.store.sql, chunk.ids)
  const { text, keys, cutAt } = await textOf(ctx, task, rows)
  const position = cutAt ?? chunk.position
  const isLast = chunk.isLast && cutAt === null
  const sealed = keys === 0 ? null : sealOutput(ctx.keyring, { taskId: task.id, position }, text)
  const skipped = chunk.ids.filter((id) => id <= position).length - keys
  const apply: ApplyChunk = async (tx) => {
    // What is read of a group that was deleted is not the whole of it.
    await requireStandardGroup(tx.sql, task.group_id)
    if (sealed !== null) await storeOutput(tx.sql, { taskId: task.id, position, keys, sealed })
    if (isLast)
      await tx.sql.execute('UPDATE tasks SET output_until = ? WHERE id = ?', [tx.nowMs + outputKeptMs, task.id])
    return { position, isLast, succeeded: keys, skipped, failed: 0, problems: [] }
  }
  return { apply, next: isLast ? null : position }
}

/** Far below what a server takes in one statement, also where keys are tokens of some kilobytes. */
const maxPartLength = 524_288
/** Opening so many takes about 3 ms; then the event loop gets a turn. */
const keysPerTurn = 500

/** `cutAt`: id of the last key that fits; null = all of them do. */
async function textOf({ keyring }: VerbContext, task: TaskRow, rows: readonly ExportRow[]) {
  const { content } = exportParametersOf(task)
  let text = ''
  for (const [index, row] of rows.entries()) {
    if (index % keysPerTurn === keysPerTurn - 1) await turn()
    text += exportLineOf(keyring, row, content)
    if (text.length >= maxPartLength && index < rows.length - 1) return { text, keys: index + 1, cutAt: row.id }
  }
  return { text, keys: rows.length, cutAt: null }
}
