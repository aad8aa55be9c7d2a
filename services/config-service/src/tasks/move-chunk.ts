import { disableKey, enableKey, isDisabledUntil } from '@gpt-load/key-health/operator-actions'
import { lockKeys, type LockedKey } from '../key-state/locked-keys.ts'
import { moveLocked, restoreLocked, type KeysAction } from '../keys/change-keys.ts'
import type { SelectedKey } from '../keys/select-keys.ts'
import type { ChangeTransaction } from '../truth/change-transaction.ts'
import { changeSelected } from './selection-chunk.ts'
import { selectionParametersOf, type TaskRow } from './task-row.ts'

/** What people do to the state of keys, a chunk at a time: as for one key, in history, counts and audit log. */
export const restoreChunk = changeSelected(async (tx, task, selected) =>
  restoreLocked(tx, task.group_id, await locked(tx, selected), { task: task.id }),
)
export const enableChunk = moveSelected(() => ({ act: enableKey, action: 'key.enable' }))
export const disableChunk = moveSelected((task) => {
  const { until_ms: untilMs = 0, note = '' } = selectionParametersOf(task)
  return {
    act: (facts) => (isDisabledUntil(facts, untilMs) ? facts : disableKey(facts, untilMs)),
    action: 'key.disable',
    note,
  }
})

function moveSelected(actionOf: (task: TaskRow) => KeysAction) {
  return changeSelected(async (tx, task, selected) => {
    const why = { task: task.id }
    return moveLocked(tx, task.group_id, await locked(tx, selected), { ...actionOf(task), why })
  })
}

async function locked(tx: ChangeTransaction, selected: readonly SelectedKey[]): Promise<LockedKey[]> {
  const ids = selected.map(({ id }) => id)
  return [...(await lockKeys(tx.sql, ids)).values()]
}
