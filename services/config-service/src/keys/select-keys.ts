import type { KeyFilter } from '@gpt-load/contracts/api/key'
import type { KeySelection } from '@gpt-load/contracts/api/task'
import type { KeyState } from '@gpt-load/contracts/key-state'
import { idCondition } from '@gpt-load/database/id-condition'
import { placeholders, type SqlRunner, type SqlValue } from '@gpt-load/database/sql-runner'
import { keyCondition, keyConditions } from './key-conditions.ts'

/**
 * The next keys of a selection in id order, behind a position. A filter reads index ranges, and nothing but them; what they do
 * not tell is looked at over the rows of one chunk at a time, so that a step costs the same however rare the matches are.
 */
export type SelectedKey = { id: number; state: KeyState; cause: string }
export type SelectedChunk = {
  ids: number[]
  /** Nothing up to here is left. */
  position: number
  isLast: boolean
}

export type SelectionRange = { groupId: number; selection: KeySelection; after: number; upTo: number; limit: number }

type Candidate = { id: number; is_match: number }

export async function selectKeys(sql: SqlRunner, range: SelectionRange): Promise<SelectedChunk> {
  const { selection, limit, upTo } = range
  const candidates =
    selection.ids === undefined
      ? await byFilter(sql, range, selection.filter ?? {})
      : await byIds(sql, range, selection.ids)
  const isLast = candidates.length < limit
  const position = isLast ? upTo : (candidates.at(-1)?.id ?? upTo)
  return {
    ids: candidates.filter(({ is_match: isMatch }) => isMatch === 1).map(({ id }) => id),
    position,
    isLast: isLast || position >= upTo,
  }
}

async function byFilter(sql: SqlRunner, range: SelectionRange, filter: KeyFilter): Promise<Candidate[]> {
  const { groupId, after, upTo, limit } = range
  const { ranges, rest } = keyConditions(groupId, filter)
  const isMatch = rest === null ? '1' : `CASE WHEN ${rest.where} THEN 1 ELSE 0 END`
  const values: SqlValue[] = []
  const parts = ranges.map((one, index) => {
    values.push(...(rest?.values ?? []), ...one.values, after, upTo)
    return `SELECT * FROM (SELECT id, ${isMatch} AS is_match FROM provider_keys
      WHERE ${one.where} AND id > ? AND id <= ? ORDER BY id LIMIT ${limit}) of_${index}`
  })
  return sql.query(`${parts.join(' UNION ALL ')} ORDER BY id LIMIT ${limit}`, values)
}

async function byIds(sql: SqlRunner, range: SelectionRange, ids: readonly number[]): Promise<Candidate[]> {
  const { groupId, after, upTo, limit } = range
  return sql.query(
    `SELECT id, 1 AS is_match FROM provider_keys
     WHERE group_id = ? AND id > ? AND id <= ? AND id IN (${placeholders(ids.length)}) ORDER BY id LIMIT ${limit}`,
    [groupId, after, upTo, ...ids],
  )
}

/** Of those ids, the ones that are still what the selection asks for, locked. */
export async function lockSelected(
  sql: SqlRunner,
  { groupId, selection }: Pick<SelectionRange, 'groupId' | 'selection'>,
  ids: readonly number[],
): Promise<SelectedKey[]> {
  if (ids.length === 0) return []
  // By ids whatever the filter is: what is looked at is locked.
  const [byId, lock] = sql.dialect === 'mysql' ? [' FORCE INDEX (PRIMARY)', ' FOR UPDATE'] : ['', '']
  const range = idCondition('id', ids)
  const condition = keyCondition(groupId, selection.filter ?? {})
  return sql.query<SelectedKey>(
    `SELECT id, state, cause FROM provider_keys${byId} WHERE ${range.where} AND ${condition.where} ORDER BY id${lock}`,
    [...range.values, ...condition.values],
  )
}
