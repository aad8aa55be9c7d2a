import { placeholders } from './sql-runner.ts'

/**
 * `column` is one of these ids. Ids without a gap, as keys have that came together, are a range, which costs either database a
 * fraction of a list of them. `ids` holds each once; an empty one matches nothing.
 */
export function idCondition(column: string, ids: readonly number[]): { where: string; values: number[] } {
  if (ids.length === 0) return { where: '1 = 0', values: [] }
  const [first, last] = [Math.min(...ids), Math.max(...ids)]
  if (last - first + 1 === ids.length) return { where: `${column} BETWEEN ? AND ?`, values: [first, last] }
  return { where: `${column} IN (${placeholders(ids.length)})`, values: [...ids] }
}
