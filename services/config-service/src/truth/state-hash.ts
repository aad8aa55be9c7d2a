import type { KeyFacts, KeyState } from '@gpt-load/contracts/key-state'
import type { DatabaseHandle } from '@gpt-load/database/database-handle'
import { addKeyToHash, createStateHash, formatStateHash, type StateHash } from '@gpt-load/key-health/state-hash'
import { setImmediate } from 'node:timers/promises'
import { factColumns, type FactRow } from './key-records.ts'
import { readGroupIds } from './policy-records.ts'
import { readPosition, type Position } from './read-position.ts'

/**
 * The state hash of the database at one revision, per group and in all: what every edge at that revision has, when nothing
 * was missed. Deadlines that have passed count as edges store them (active, none), whether the sweeper has been there or not.
 * Reads every key's facts: for an operator's question and for tests, not for a loop.
 */
export type StoredStateHash = Position & { total: string; groups: ReadonlyMap<number, string>; keys: number }

const rowsPerPage = 2_000
const timedStates: ReadonlySet<KeyState> = new Set(['cooling', 'exhausted', 'disabled'])

export async function computeStateHash(store: DatabaseHandle, nowMs: number): Promise<StoredStateHash> {
  return store.readSnapshot(async (sql) => {
    const position = await readPosition(sql)
    const groupIds = await readGroupIds(sql)
    const total = createStateHash()
    const groups = new Map<number, StateHash>()
    let keys = 0
    for (let after = 0; ; await setImmediate()) {
      const page = `SELECT ${factColumns} FROM provider_keys WHERE id > ? ORDER BY id LIMIT ${rowsPerPage}`
      const rows = await sql.query<FactRow>(page, [after])
      for (const row of rows) {
        if (!groupIds.has(row.group_id)) continue
        const ofGroup = groups.get(row.group_id) ?? createStateHash()
        groups.set(row.group_id, ofGroup)
        const facts = withoutDue(row, nowMs)
        addKeyToHash(ofGroup, row.id, facts)
        addKeyToHash(total, row.id, facts)
        keys += 1
      }
      if (rows.length < rowsPerPage) break
      after = rows.at(-1)?.id ?? after
    }
    const formatted = new Map([...groups].map(([id, hash]) => [id, formatStateHash(hash)]))
    return { ...position, total: formatStateHash(total), groups: formatted, keys }
  })
}

function withoutDue({ state, until, generation, failures }: FactRow, nowMs: number): KeyFacts {
  const isDue = timedStates.has(state) && until > 0 && until <= nowMs
  return isDue ? { state: 'active', until: 0, generation, failures } : { state, until, generation, failures }
}
