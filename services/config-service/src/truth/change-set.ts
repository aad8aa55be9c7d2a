import type { AuditEntry, ChangeKind, StampedTable } from './change-transaction.ts'

/** What one transaction changed, gathered while it runs. Ids are kept as a set, so touching one twice is one row. */
export type ChangeSet = {
  touched: Map<ChangeKind, Set<number>>
  ranges: IdRange[]
  stamps: Map<StampedTable, Set<number | string>>
  audit: AuditEntry[]
}
export type IdRange = { kind: ChangeKind; from: number; to: number }

export function createChangeSet(): ChangeSet {
  return { touched: new Map(), ranges: [], stamps: new Map(), audit: [] }
}

export function isEmptyChange(changes: ChangeSet): boolean {
  return changes.touched.size === 0 && changes.ranges.length === 0
}

/** Rows of the change log: neighbouring ids become one inclusive range. */
export function rangesOf(changes: ChangeSet): IdRange[] {
  const ranges = [...changes.ranges]
  for (const [kind, ids] of changes.touched) {
    let current: IdRange | undefined
    for (const id of [...ids].toSorted((a, b) => a - b)) {
      if (current !== undefined && id === current.to + 1) current.to = id
      else ranges.push((current = { kind, from: id, to: id }))
    }
  }
  return ranges
}

export function addAll<K, V>(sets: Map<K, Set<V>>, key: K, values: Iterable<V>): void {
  const set = sets.get(key) ?? new Set<V>()
  for (const value of values) set.add(value)
  if (set.size > 0) sets.set(key, set)
}
