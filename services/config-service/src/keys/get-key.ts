import { maxHistoryEntries, type KeyDetail } from '@gpt-load/contracts/api/key'
import type { KeyState } from '@gpt-load/contracts/key-state'
import type { SqlRunner } from '@gpt-load/database/sql-runner'
import { authorise } from '../authorise.ts'
import { notFound } from '../http/api-problem.ts'
import { toInstant, toOptionalInstant } from '../instant.ts'
import { loadProbeSchedule } from '../probe/load-probe-schedule.ts'
import type { VerbAnswer, VerbContext, VerbInput } from '../verb.ts'
import { keyAnswerColumns, toCause, toKey, type KeyAnswerRow } from './key-answer.ts'
import { loadKeyHours } from './key-usage.ts'

/** A key with what happened to it: why it is in its state needs no search through logs. */
const maxModels = 200

export async function getKey({
  ctx,
  input,
}: {
  ctx: VerbContext
  input: Pick<VerbInput<'getKey'>, 'params'>
}): Promise<VerbAnswer<KeyDetail>> {
  authorise(ctx, 'getKey')
  const { sql } = ctx.store
  const row = await findKey(sql, input.params.id)
  if (row === undefined) throw notFound('key')
  const [history, models, schedule, usage] = await Promise.all([
    loadHistory(sql, row.id),
    loadModels(sql, row.id),
    loadProbeSchedule(ctx, row.group_id),
    loadKeyHours(ctx, row.id),
  ])
  return { value: { ...toKey(row, schedule, ctx.clock.nowMs()), models, history, usage }, revision: row.revision }
}

/** Keys of a group that is gone are gone, also while their rows wait for removal. */
export async function findKey(sql: SqlRunner, id: number): Promise<KeyAnswerRow | undefined> {
  const groups = sql.dialect === 'mysql' ? '`groups`' : '"groups"'
  const [row] = await sql.query<KeyAnswerRow>(
    `SELECT ${keyAnswerColumns} FROM provider_keys WHERE id = ?
     AND EXISTS (SELECT 1 FROM ${groups} g WHERE g.id = provider_keys.group_id)`,
    [id],
  )
  return row
}

type TransitionRow = {
  id: number
  at: number
  model: string
  state_from: string
  state_to: string
  until: number
  generation: number
  failures: number
  cause: string
  is_applied: number
}

async function loadHistory(sql: SqlRunner, keyId: number): Promise<KeyDetail['history']> {
  const rows = await sql.query<TransitionRow>(
    `SELECT id, at, model, state_from, state_to, until, generation, failures, cause, is_applied
     FROM key_events WHERE key_id = ? ORDER BY id DESC LIMIT ${maxHistoryEntries}`,
    [keyId],
  )
  return rows.map((row) => ({
    id: row.id,
    at: toInstant(row.at),
    model: row.model === '' ? null : row.model,
    state_from: row.state_from as KeyState,
    state_to: row.state_to as KeyState,
    until: toOptionalInstant(row.until),
    generation: row.generation,
    failures: row.failures,
    cause: toCause(row.cause),
    applied: row.is_applied === 1,
  }))
}

type ModelRow = { model: string; state: string; until: number; failures: number; cause: string }

async function loadModels(sql: SqlRunner, keyId: number): Promise<KeyDetail['models']> {
  const rows = await sql.query<ModelRow>(
    `SELECT model, state, until, failures, cause FROM key_model_states WHERE key_id = ? ORDER BY model LIMIT ${maxModels}`,
    [keyId],
  )
  return rows.map((row) => ({
    model: row.model,
    state: row.state as KeyState,
    until: toOptionalInstant(row.until),
    failures: row.failures,
    cause: toCause(row.cause),
  }))
}
