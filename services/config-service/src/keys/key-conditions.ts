import type { KeyFilter } from '@gpt-load/contracts/api/key'
import { keyStates } from '@gpt-load/contracts/key-state'
import { likePattern } from '@gpt-load/database/like-pattern'
import { placeholders, type SqlValue } from '@gpt-load/database/sql-runner'

/**
 * A filter of keys as SQL: the index ranges that hold every match in id order, narrowest kind first, and the condition that
 * remains for the rows in them. A filter without `rest` costs what it finds; with it, somebody has to bound what is looked at.
 */
export type SqlCondition = { where: string; values: SqlValue[] }
export type KeyConditions = { ranges: SqlCondition[]; rest: SqlCondition | null }

export function keyConditions(groupId: number, filter: KeyFilter): KeyConditions {
  const [[column, wanted] = ['state', keyStates], ...others] = wantedColumns(filter)
  const ranges = [...new Set(wanted)].map((value) => ({
    // The index of notes leaves out keys without one.
    where: `group_id = ? AND ${column} = ?${column === 'note' ? " AND note <> ''" : ''}`,
    values: [groupId, value],
  }))
  const rest = restOf(others, filter)
  return { ranges, rest: rest.length === 0 ? null : allOf(rest) }
}

/** The whole filter, for rows that were found by other means. */
export function keyCondition(groupId: number, filter: KeyFilter): SqlCondition {
  return allOf([{ where: 'group_id = ?', values: [groupId] }, ...restOf(wantedColumns(filter), filter)])
}

type WantedColumn = readonly [column: string, wanted: readonly string[]]

function wantedColumns({ suffix, cause, note, state }: KeyFilter): WantedColumn[] {
  const columns: WantedColumn[] = []
  if (suffix !== undefined) columns.push(['suffix', [suffix]])
  if (cause !== undefined) columns.push(['cause_class', cause])
  if (note !== undefined) columns.push(['note', [note]])
  if (state !== undefined) columns.push(['state', state])
  return columns
}

function restOf(columns: readonly WantedColumn[], { search }: KeyFilter): SqlCondition[] {
  const rest = columns.map(([column, wanted]): SqlCondition => ({
    where: `${column} IN (${placeholders(wanted.length)})`,
    values: [...wanted],
  }))
  return search === undefined ? rest : [...rest, searchCondition(search)]
}

function searchCondition(search: string): SqlCondition {
  const pattern = likePattern(search.toLowerCase())
  return { where: "(LOWER(note) LIKE ? ESCAPE '!' OR LOWER(hint) LIKE ? ESCAPE '!')", values: [pattern, pattern] }
}

function allOf(conditions: readonly SqlCondition[]): SqlCondition {
  return {
    where: conditions.map(({ where }) => where).join(' AND '),
    values: conditions.flatMap(({ values }) => values),
  }
}
