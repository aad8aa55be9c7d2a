import type { Touch } from './change-log.ts'

/**
 * What overtakes a long delta besides policies: facts of keys, and single keys that were added, replaced or removed, by
 * revision, up to a bound. A revision with more than that (one chunk of a task) waits for its round.
 */
export type UrgentKeys = { states: number[]; models: number[]; keys: number[]; to: number }

/** About 600 KiB of an answer of 4 MiB. */
const maxUrgentIds = 10_000
/** By hand, not by a task. */
const maxUrgentKeysPerRevision = 100

export function urgentKeys(touches: readonly Touch[], since: number, to: number): UrgentKeys {
  const states = new Set<number>()
  const models = new Set<number>()
  const keys = new Set<number>()
  const later = touches.filter(({ revision }) => revision > since && revision <= to)
  let reached = since
  for (const [revision, ofRevision] of Map.groupBy(later, ({ revision }) => revision)) {
    const idsIn = (kind: Touch['kind'], maxIds: number) => boundedIds(ofRevision, kind, maxIds)
    const found = {
      states: idsIn('key_state', maxUrgentIds),
      models: idsIn('key_model', maxUrgentIds),
      keys: idsIn('key', maxUrgentKeysPerRevision),
    }
    const total = states.size + models.size + keys.size
    if (total + found.states.length + found.models.length + found.keys.length > maxUrgentIds) break
    for (const id of found.states) states.add(id)
    for (const id of found.models) models.add(id)
    for (const id of found.keys) keys.add(id)
    reached = revision
  }
  return { states: ascending(states), models: ascending(models), keys: ascending(keys), to: reached }
}

/** Empty when there are more than `maxIds`. */
function boundedIds(touches: readonly Touch[], kind: Touch['kind'], maxIds: number): number[] {
  const ids: number[] = []
  for (const touch of touches) {
    if (touch.kind !== kind) continue
    if (ids.length + touch.to - touch.from + 1 > maxIds) return []
    for (let id = touch.from; id <= touch.to; id++) ids.push(id)
  }
  return ids
}

function ascending(ids: ReadonlySet<number>): number[] {
  return [...ids].toSorted((a, b) => a - b)
}
