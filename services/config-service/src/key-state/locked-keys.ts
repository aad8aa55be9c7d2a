import type { Cause, KeyFacts, KeyState } from '@gpt-load/contracts/key-state'
import { countChanges, type KeyCountChanges } from '../keys/adjust-key-counts.ts'
import { idCondition } from '@gpt-load/database/id-condition'
import { bulkInsert } from '@gpt-load/database/bulk-insert'
import { bulkUpdate } from '@gpt-load/database/bulk-update'
import { placeholders, type SqlRunner } from '@gpt-load/database/sql-runner'

/** Rows of keys and deviations that a post of events is about: locked, changed in memory, written back by the hundred. */
export type LockedKey = {
  id: number
  groupId: number
  stored: KeyFacts
  facts: KeyFacts
  storedCause: string
  cause: string
}
export type LockedModel = LockedKey & { model: string; isNew: boolean }

export type HistoryRow = {
  key: LockedKey
  model: string
  at: number
  from: KeyState
  facts: KeyFacts
  cause: string
  isApplied: boolean
}

type StoredRow = { id: number; group_id: number; model?: string; cause: string } & KeyFacts

const idsPerQuery = 1_000
/** `cause` is VARCHAR(1024); the schema bounds its parts, but not their sum in JSON escapes. */
const maxCauseLength = 1_024

/** In id order, so that two posts cannot wait for each other. Ids without a row are left out. */
export async function lockKeys(sql: SqlRunner, ids: readonly number[]): Promise<Map<number, LockedKey>> {
  const lock = sql.dialect === 'mysql' ? ' FOR UPDATE' : ''
  const locked = new Map<number, LockedKey>()
  const ordered = [...new Set(ids)].toSorted((a, b) => a - b)
  for (let start = 0; start < ordered.length; start += idsPerQuery) {
    const some = ordered.slice(start, start + idsPerQuery)
    const { where, values } = idCondition('id', some)
    const rows = await sql.query<StoredRow>(
      'SELECT id, group_id, state, until, generation, failures, cause FROM provider_keys ' +
        `WHERE ${where} ORDER BY id${lock}`,
      values,
    )
    for (const row of rows) locked.set(row.id, toLocked(row))
  }
  return locked
}

/** Deviations of keys that are locked; keyed by `modelPlace`. */
export async function readModels(sql: SqlRunner, ids: readonly number[]): Promise<Map<string, LockedModel>> {
  if (ids.length === 0) return new Map()
  const rows = await sql.query<StoredRow & { model: string }>(
    `SELECT key_id AS id, group_id, model, state, until, generation, failures, cause FROM key_model_states ` +
      `WHERE key_id IN (${placeholders(ids.length)})`,
    ids,
  )
  return new Map(
    rows.map((row) => [modelPlace(row.id, row.model), { ...toLocked(row), model: row.model, isNew: false }]),
  )
}

export function modelPlace(keyId: number, model: string): string {
  return `${keyId} ${model}`
}

export function causeText(cause: Cause): string {
  const text = JSON.stringify(cause)
  if (text.length <= maxCauseLength) return text
  const { note: _note, code: _code, ...rest } = cause
  return JSON.stringify(rest)
}

/** What a change of locked keys means for the counts of their group. */
export function transitionsOf(changed: readonly LockedKey[]): KeyCountChanges {
  return countChanges(
    changed.flatMap(({ stored, storedCause, facts, cause }) => [
      [{ state: stored.state, cause: storedCause }, -1] as const,
      [{ state: facts.state, cause }, 1] as const,
    ]),
  )
}

export async function writeKeys(sql: SqlRunner, keys: readonly LockedKey[], nowMs: number): Promise<void> {
  await bulkUpdate(sql, {
    table: 'provider_keys',
    keys: ['id'],
    columns: ['state', 'until', 'generation', 'failures', 'cause', 'updated_at'],
    rows: keys.map(({ id, facts, cause }) => [id, ...factValues(facts), cause, nowMs]),
  })
}

export async function writeModels(sql: SqlRunner, models: readonly LockedModel[], nowMs: number): Promise<void> {
  await bulkUpdate(sql, {
    table: 'key_model_states',
    keys: ['key_id', 'model'],
    columns: ['state', 'until', 'generation', 'failures', 'cause', 'updated_at'],
    rows: models
      .filter(({ isNew }) => !isNew)
      .map(({ id, model, facts, cause }) => [id, model, ...factValues(facts), cause, nowMs]),
  })
  await bulkInsert(sql, {
    table: 'key_model_states',
    columns: ['key_id', 'model', 'group_id', 'state', 'until', 'generation', 'failures', 'cause', 'updated_at'],
    rows: models
      .filter(({ isNew }) => isNew)
      .map(({ id, model, groupId, facts, cause }) => [id, model, groupId, ...factValues(facts), cause, nowMs]),
  })
}

export async function writeHistory(sql: SqlRunner, rows: readonly HistoryRow[]): Promise<void> {
  await bulkInsert(sql, {
    table: 'key_events',
    columns: [
      'key_id',
      'group_id',
      'model',
      'at',
      'state_from',
      'state_to',
      'until',
      'generation',
      'failures',
      'cause',
      'is_applied',
    ],
    rows: rows.map(({ key, model, at, from, facts, cause, isApplied }) => [
      key.id,
      key.groupId,
      model,
      at,
      from,
      facts.state,
      facts.until,
      facts.generation,
      facts.failures,
      cause,
      isApplied,
    ]),
  })
}

function toLocked(row: StoredRow): LockedKey {
  const { id, group_id: groupId, state, until, generation, failures, cause } = row
  const stored = { state, until, generation, failures }
  return { id, groupId, stored, facts: stored, storedCause: cause, cause }
}

function factValues({ state, until, generation, failures }: KeyFacts): (string | number)[] {
  return [state, until, generation, failures]
}
