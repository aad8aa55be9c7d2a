import type { Cause, KeyFacts, KeyState } from '@gpt-load/contracts/key-state'
import { causeText } from '../key-state/locked-keys.ts'
import type { ChangeTransaction } from '../truth/change-transaction.ts'
import { adjustKeyCounts, countChanges } from './adjust-key-counts.ts'
import type { KeyAnswerRow } from './key-answer.ts'

/** New facts of one locked key: row, history, counts and what edges are told, in the caller's transaction. */
export async function storeTransition(
  tx: ChangeTransaction,
  row: KeyAnswerRow,
  facts: KeyFacts,
  cause: Cause,
): Promise<void> {
  const text = causeText(cause)
  await tx.sql.execute(
    'UPDATE provider_keys SET state = ?, until = ?, generation = ?, failures = ?, cause = ?, updated_at = ? WHERE id = ?',
    [facts.state, facts.until, facts.generation, facts.failures, text, tx.nowMs, row.id],
  )
  await tx.sql.execute(
    `INSERT INTO key_events (key_id, group_id, model, at, state_from, state_to, until, generation, failures, cause, is_applied)
     VALUES (?, ?, '', ?, ?, ?, ?, ?, ?, ?, ?)`,
    [row.id, row.group_id, tx.nowMs, row.state, facts.state, facts.until, facts.generation, facts.failures, text, true],
  )
  const before = { state: row.state as KeyState, cause: row.cause }
  const after = { state: facts.state, cause: text }
  await adjustKeyCounts(
    tx.sql,
    row.group_id,
    countChanges([
      [before, -1],
      [after, 1],
    ]),
  )
  tx.touch('key_state', [row.id])
  tx.stamp('provider_keys', [row.id])
}
