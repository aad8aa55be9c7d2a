import { disableKey, enableKey, isDisabledUntil, restoreKey } from '@gpt-load/key-health/operator-actions'
import { lockKeys } from '../key-state/locked-keys.ts'
import { moveLocked, type KeysAction } from '../keys/change-keys.ts'
import { changeSelected } from './selection-chunk.ts'
import { selectionParametersOf, type TaskRow } from './task-row.ts'

/** What people do to the state of keys, a chunk at a time: as for one key, in history, counts and audit log. */
export const restoreChunk = moveSelected(() => ({ act: restoreKey, action: 'key.restore' }))
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
    const ids = selected.map(({ id }) => id)
    const locked = await lockKeys(tx.sql, ids)
    return moveLocked(tx, task.group_id, [...locked.values()], { ...actionOf(task), why: { task: task.id } })
  })
}
