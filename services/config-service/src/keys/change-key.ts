import type { Key } from '@gpt-load/contracts/api/key'
import type { Cause, KeyFacts } from '@gpt-load/contracts/key-state'
import { equalFacts } from '@gpt-load/key-health/merge-facts'
import { notFound } from '../http/api-problem.ts'
import { requireRevision, type Precondition } from '../http/precondition.ts'
import { lockRows } from '../lock-rows.ts'
import { loadProbeSchedule } from '../probe/load-probe-schedule.ts'
import type { ChangeTransaction } from '../truth/change-transaction.ts'
import { commitChange } from '../truth/commit.ts'
import type { VerbAnswer, VerbContext } from '../verb.ts'
import { findKey } from './get-key.ts'
import { keyFactsOf, toKey, type KeyAnswerRow } from './key-answer.ts'
import { storeTransition } from './store-transition.ts'

/** What a person does to the state of one key: locked, judged by key-health, stored with its cause and history. */
export type ChangeKeyOptions = {
  id: number
  precondition: Precondition
  action: string
  note?: string | undefined
  act(facts: KeyFacts): KeyFacts
}

export async function changeKeyState(ctx: VerbContext, options: ChangeKeyOptions): Promise<VerbAnswer<Key>> {
  const { revision } = await commitChange({ ctx }, async (tx) => {
    const row = await lockKey(tx, options.id, options.precondition)
    const before = keyFactsOf(row)
    const facts = options.act(before)
    if (equalFacts(before, facts)) return
    const note = (options.note ?? '').slice(0, 255)
    const cause: Cause = { at: tx.nowMs, class: 'operator', ...(note === '' ? {} : { note }) }
    await storeTransition(tx, row, facts, cause)
    tx.audit({ action: options.action, entity: 'key', entityId: row.id, detail: { hint: row.hint, note } })
  })
  return answerKey(ctx, options.id, revision)
}

export async function lockKey(tx: ChangeTransaction, id: number, precondition: Precondition): Promise<KeyAnswerRow> {
  await lockRows(tx.sql, 'provider_keys', [id])
  const row = await findKey(tx.sql, id)
  if (row === undefined) throw notFound('key')
  requireRevision(precondition, row.revision)
  return row
}

export async function answerKey(ctx: VerbContext, id: number, revision: number | null): Promise<VerbAnswer<Key>> {
  const row = await findKey(ctx.store.sql, id)
  if (row === undefined) throw notFound('key')
  const value = toKey(row, await loadProbeSchedule(ctx, row.group_id), ctx.clock.nowMs())
  return { value, revision: row.revision, ...(revision === null ? {} : { committed: revision }) }
}
