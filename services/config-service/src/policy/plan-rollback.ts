import type { RollbackChange, RollbackPlan } from '@gpt-load/contracts/api/rollback'
import type { Keyring } from '@gpt-load/database/keyring'
import type { SqlRunner } from '@gpt-load/database/sql-runner'
import { ApiProblem } from '../http/api-problem.ts'
import { comparableOf, type Comparable } from './comparable-state.ts'
import { policyFloor, policyRevision } from './policy-history.ts'
import { parsePolicyState, readPolicies, type PolicyState } from './policy-state.ts'

/** What a rollback would do: the entities that changed since, as they were and as they are. */
export type PlannedChange = Omit<RollbackChange, 'fields'> & {
  fields: RollbackChange['fields']
  /** null = it was not there. */
  target: PolicyState | null
  current: PolicyState | null
}

const maxShownLength = 500

export async function planRollback(
  sql: SqlRunner,
  keyring: Keyring,
  revision: number,
): Promise<{ changes: PlannedChange[]; policyRevision: number }> {
  const floor = await policyFloor(sql)
  if (floor === null || revision < floor)
    throw new ApiProblem('conflict', `What was in force at revision ${revision} is not known any more.`)
  const targets = await loadTargets(sql, revision)
  const changes: PlannedChange[] = []
  for (const entity of ['setting', 'group', 'access_key'] as const) {
    const ofEntity = targets.filter((target) => target.entity === entity)
    if (ofEntity.length === 0) continue
    const now = await readPolicies(
      sql,
      entity,
      ofEntity.map(({ entity_id }) => entity_id),
    )
    for (const { entity_id: entityId, state } of ofEntity) {
      const target = state === null || state === '' ? null : parsePolicyState(entity, state)
      const change = compare(keyring, { entity, entity_id: entityId }, target, now.get(entityId) ?? null)
      if (change !== null) changes.push(change)
    }
  }
  return { changes, policyRevision: await policyRevision(sql) }
}

export function toPlan(
  revision: number,
  { changes, policyRevision: last }: { changes: readonly PlannedChange[]; policyRevision: number },
): RollbackPlan {
  return {
    revision,
    policy_revision: last,
    changes: changes.map(({ target: _target, current: _current, ...shown }) => shown),
  }
}

type Target = { entity: RollbackChange['entity']; entity_id: number; state: string | null }

/** Of what has changed since: the last state up to the revision, null when it came later. */
async function loadTargets(sql: SqlRunner, revision: number): Promise<Target[]> {
  return sql.query<Target>(
    `SELECT c.entity, c.entity_id, h.state FROM (
       SELECT s.entity, s.entity_id, (SELECT MAX(o.revision) FROM policy_history o
          WHERE o.entity = s.entity AND o.entity_id = s.entity_id AND o.revision <= ?) AS was_at
       FROM (SELECT DISTINCT entity, entity_id FROM policy_history WHERE revision > ? AND entity <> 'floor') s) c
     LEFT JOIN policy_history h ON h.entity = c.entity AND h.entity_id = c.entity_id AND h.revision = c.was_at
     ORDER BY c.entity, c.entity_id`,
    [revision, revision],
  )
}

function compare(
  keyring: Keyring,
  place: Pick<RollbackChange, 'entity' | 'entity_id'>,
  target: PolicyState | null,
  current: PolicyState | null,
): PlannedChange | null {
  const named = { ...place, name: nameOf(current ?? target), target, current }
  if (current === null) {
    if (target === null) return null
    return { ...named, action: place.entity === 'access_key' ? 'keep' : 'create', fields: [] }
  }
  if (target === null) return isEnabled(current) ? { ...named, action: 'disable', fields: [] } : null
  const fields = differences(
    comparableOf(keyring, place.entity, current),
    // An access key that somebody disabled since is not opened again.
    comparableOf(keyring, place.entity, place.entity === 'access_key' ? withoutEnabling(target, current) : target),
  )
  return fields.length === 0 ? null : { ...named, action: 'restore', fields }
}

export function withoutEnabling(target: PolicyState, current: PolicyState): PolicyState {
  return isEnabled(current) ? target : ({ ...target, enabled: 0 } as PolicyState)
}

function isEnabled(state: PolicyState): boolean {
  return !Array.isArray(state) && Number(state.enabled) === 1
}

function nameOf(state: PolicyState | null): string {
  return state === null || Array.isArray(state) ? 'settings' : String(state.name)
}

function differences(from: Comparable, to: Comparable): RollbackChange['fields'] {
  return [...new Set([...from.keys(), ...to.keys()])].flatMap((field) => {
    const [before, after] = [from.get(field), to.get(field)]
    if (before?.compared === after?.compared) return []
    return [{ field, from: shownOf(before?.shown), to: shownOf(after?.shown) }]
  })
}

function shownOf(value: unknown): string {
  return JSON.stringify(value ?? null).slice(0, maxShownLength)
}
