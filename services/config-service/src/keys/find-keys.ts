import type { KeyFilter } from '@gpt-load/contracts/api/key'
import { placeholders, type SqlRunner } from '@gpt-load/database/sql-runner'
import { keyAnswerColumns, type KeyAnswerRow } from './key-answer.ts'
import { keyConditions, type SqlCondition } from './key-conditions.ts'

/**
 * Keys of a group that meet a filter, newest first, below an id. Each index range (group, state, id, say) gives at most a page.
 * Where rows in it have to be looked at, a bounded number is: `floor` says how far down that went.
 */
export type FoundKeys = {
  ids: number[]
  /** Keys below it were not looked at; 0 = there is nothing else, or `limit` keys were found before. */
  floor: number
}

/** Rows of a range that one search looks at: some 6 ms on either database, five times that beside an import or a base that is built. */
const maxLookedAt = 4_000

export async function findKeys(
  sql: SqlRunner,
  { groupId, filter, before, limit }: { groupId: number; filter: KeyFilter; before: number; limit: number },
): Promise<FoundKeys> {
  const { ranges, rest } = keyConditions(groupId, filter)
  const floor = rest === null ? 0 : await findFloor(sql, ranges, before)
  const where = rest === null ? '' : ` AND ${rest.where}`
  const parts = ranges.map(
    (range, index) =>
      `SELECT * FROM (SELECT id FROM provider_keys
       WHERE ${range.where} AND id < ? AND id >= ?${where} ORDER BY id DESC LIMIT ${limit}) of_${index}`,
  )
  const rows = await sql.query<{ id: number }>(
    `${parts.join(' UNION ALL ')} ORDER BY id DESC LIMIT ${limit}`,
    ranges.flatMap(({ values }) => [...values, before, floor, ...(rest?.values ?? [])]),
  )
  return { ids: rows.map(({ id }) => id), floor: rows.length === limit ? 0 : floor }
}

/** Newest first; those that are gone meanwhile are left out. */
export async function loadKeyRows(sql: SqlRunner, ids: readonly number[]): Promise<KeyAnswerRow[]> {
  if (ids.length === 0) return []
  return sql.query(
    `SELECT ${keyAnswerColumns} FROM provider_keys WHERE id IN (${placeholders(ids.length)}) ORDER BY id DESC`,
    ids,
  )
}

/** The highest id at which one of the ranges has used up what may be looked at: every range is looked at down to it. */
async function findFloor(sql: SqlRunner, ranges: readonly SqlCondition[], before: number): Promise<number> {
  let floor = 0
  for (const { where, values } of ranges) {
    const [row] = await sql.query<{ id: number }>(
      `SELECT id FROM provider_keys WHERE ${where} AND id < ? AND id > ? ORDER BY id DESC LIMIT 1 OFFSET ${maxLookedAt - 1}`,
      [...values, before, floor],
    )
    floor = row?.id ?? floor
  }
  return floor
}
