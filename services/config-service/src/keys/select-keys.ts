import type { KeyFilter, KeySelection } from '@gpt-load/contracts/api/task'
import { keyStates, type KeyState } from '@gpt-load/contracts/key-state'
import { placeholders, type SqlRunner, type SqlValue } from '@gpt-load/database/sql-runner'

/**
 * The next keys of a selection in id order, behind a position. A filter by state reads an index range per state; a search is
 * done over the rows of one chunk at a time, so that a step costs the same however rare the matches are.
 */
export type SelectedKey = { id: number; hint: string; state: KeyState }
export type SelectedChunk = {
  keys: SelectedKey[]
  /** Nothing up to here is left. */
  position: number
  isLast: boolean
}

export type SelectionRange = { groupId: number; selection: KeySelection; after: number; upTo: number; limit: number }

type Candidate = SelectedKey & { note: string }

export async function selectKeys(sql: SqlRunner, range: SelectionRange): Promise<SelectedChunk> {
  const { selection, limit, upTo } = range
  const candidates =
    selection.ids === undefined
      ? await byFilter(sql, range, selection.filter ?? {})
      : await byIds(sql, range, selection.ids)
  const search = selection.filter?.search?.toLowerCase()
  const keys = candidates.filter(({ note, hint }) => search === undefined || isMatch(search, note, hint))
  const isLast = candidates.length < limit
  const position = isLast ? upTo : (candidates.at(-1)?.id ?? upTo)
  return {
    keys: keys.map(({ id, hint, state }) => ({ id, hint, state })),
    position,
    isLast: isLast || position >= upTo,
  }
}

function isMatch(search: string, note: string, hint: string): boolean {
  return note.toLowerCase().includes(search) || hint.toLowerCase().includes(search)
}

const columns = 'id, hint, note, state'

async function byFilter(sql: SqlRunner, range: SelectionRange, { state }: KeyFilter): Promise<Candidate[]> {
  const { groupId, after, upTo, limit } = range
  const values: SqlValue[] = []
  const parts = [...new Set(state ?? keyStates)].map((one) => {
    values.push(groupId, one, after, upTo)
    return `SELECT * FROM (SELECT ${columns} FROM provider_keys
      WHERE group_id = ? AND state = ? AND id > ? AND id <= ? ORDER BY id LIMIT ${limit}) of_${one}`
  })
  return sql.query(`${parts.join(' UNION ALL ')} ORDER BY id LIMIT ${limit}`, values)
}

async function byIds(sql: SqlRunner, range: SelectionRange, ids: readonly number[]): Promise<Candidate[]> {
  const { groupId, after, upTo, limit } = range
  return sql.query(
    `SELECT ${columns} FROM provider_keys WHERE group_id = ? AND id > ? AND id <= ? AND id IN (${placeholders(ids.length)})
     ORDER BY id LIMIT ${limit}`,
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
  const lock = sql.dialect === 'mysql' ? ' FOR UPDATE' : ''
  const rows = await sql.query<SelectedKey>(
    `SELECT id, hint, state FROM provider_keys WHERE group_id = ? AND id IN (${placeholders(ids.length)}) ORDER BY id${lock}`,
    [groupId, ...ids],
  )
  const wanted = selection.filter?.state
  return rows.filter(({ state }) => wanted === undefined || wanted.includes(state))
}
