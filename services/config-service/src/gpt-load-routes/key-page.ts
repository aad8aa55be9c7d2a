import type { KeyState } from '@gpt-load/contracts/key-state'
import { gptLoadKeyStatuses, statesOfGptLoadStatus, type GptLoadKey } from '@gpt-load/contracts/gpt-load-api/key'
import type { SqlRunner, SqlValue } from '@gpt-load/database/sql-runner'
import { toInstant, toOptionalInstant } from '../instant.ts'
import { keyAnswerColumns, toCause, type KeyAnswerRow } from '../keys/key-answer.ts'
import { loadKeyUses } from '../keys/key-usage.ts'
import { revealKeys } from '../keys/reveal-keys.ts'
import type { VerbContext } from '../verb.ts'
import type { PageRequest } from './paging.ts'

/**
 * A numbered page of a group's keys, newest first. Each state is an index range of its own of which no more is read than the
 * page needs; far pages cost what lies before them, so whoever walks a million keys takes /api/v1 or the export.
 */
export type KeyPageRow = KeyAnswerRow & { hash: Buffer }

const columns = `${keyAnswerColumns}, hash`

export async function findKeyPage(
  sql: SqlRunner,
  groupId: number,
  states: readonly KeyState[],
  { offset, pageSize }: PageRequest,
): Promise<KeyPageRow[]> {
  const values: SqlValue[] = []
  const parts = states.map((state) => {
    values.push(groupId, state)
    return `SELECT * FROM (SELECT ${columns} FROM provider_keys
      WHERE group_id = ? AND state = ? ORDER BY id DESC LIMIT ${offset + pageSize}) of_${state}`
  })
  return sql.query(`${parts.join(' UNION ALL ')} ORDER BY id DESC LIMIT ${pageSize} OFFSET ${offset}`, values)
}

/** `id` is a key of the group. */
export async function findKeyRow(sql: SqlRunner, id: number): Promise<KeyPageRow[]> {
  return sql.query(`SELECT ${columns} FROM provider_keys WHERE id = ?`, [id])
}

/** In clear for who may see them. */
export async function toGptLoadKeys(
  ctx: VerbContext,
  groupId: number,
  rows: readonly KeyPageRow[],
): Promise<GptLoadKey[]> {
  const ids = rows.map(({ id }) => id)
  const clear = ctx.actor.scopes.has('secrets:read') ? await revealKeys(ctx, groupId, ids) : new Map<number, string>()
  const usesOf = await loadKeyUses(ctx, ids)
  return rows.map((row) => toGptLoadKey(row, clear.get(row.id) ?? row.hint, usesOf(row.id)))
}

type KeyUses = ReturnType<Awaited<ReturnType<typeof loadKeyUses>>>

function toGptLoadKey(row: KeyPageRow, value: string, uses: KeyUses): GptLoadKey {
  const state = row.state as KeyState
  return {
    id: row.id,
    key_value: value,
    key_hash: Buffer.from(row.hash).toString('hex'),
    group_id: row.group_id,
    status: gptLoadKeyStatuses.find((status) =>
      (statesOfGptLoadStatus[status] as readonly KeyState[]).includes(state),
    )!,
    notes: row.note,
    request_count: uses?.requests ?? null,
    failure_count: row.failures,
    last_used_at: toOptionalInstant(uses?.lastUsedMs ?? 0),
    created_at: toInstant(row.created_at),
    updated_at: toInstant(row.updated_at),
    state,
    until: toOptionalInstant(row.until),
    reason: reasonOf(row.cause),
    last_probe_at: toOptionalInstant(row.last_probe_at),
  }
}

/** `401 invalid_api_key`, else the class of what happened. '' = nothing did. */
export function reasonOf(text: string): string {
  const cause = toCause(text)
  if (cause === null) return ''
  const parts = [cause.status ?? '', cause.code ?? ''].filter((part) => part !== '')
  return parts.length === 0 ? cause.class : parts.join(' ')
}
