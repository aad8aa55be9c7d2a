import type { Key } from '@gpt-load/contracts/api/key'
import type { Cause, KeyFacts, KeyState } from '@gpt-load/contracts/key-state'
import { isUsable } from '@gpt-load/key-health/is-usable'
import { nextProbeAt, type ProbeSchedule } from '../probe/probe-schedule.ts'
import { toInstant, toOptionalInstant } from '../instant.ts'

/** Provider keys as the API shows them: hint, never the secret (which is not even read here). */
export const keyAnswerColumns =
  'id, group_id, hint, note, weight, state, until, generation, failures, cause, last_probe_at, last_probe_ok, managed_by, revision, created_at, updated_at'

export type KeyAnswerRow = {
  id: number
  group_id: number
  hint: string
  note: string
  weight: number
  state: string
  until: number
  generation: number
  failures: number
  cause: string
  last_probe_at: number
  last_probe_ok: number | null
  managed_by: string | null
  revision: number
  created_at: number
  updated_at: number
}

export function toKey(row: KeyAnswerRow, schedule: ProbeSchedule | null, nowMs: number): Key {
  const facts = keyFactsOf(row)
  return {
    id: row.id,
    group_id: row.group_id,
    hint: row.hint,
    note: row.note,
    weight: row.weight,
    state: facts.state,
    usable: isUsable(facts, nowMs),
    until: toOptionalInstant(row.until),
    generation: row.generation,
    failures: row.failures,
    cause: toCause(row.cause),
    last_probe: row.last_probe_at === 0 ? null : { at: toInstant(row.last_probe_at), ok: row.last_probe_ok === 1 },
    next_probe_at: toOptionalInstant(nextProbeAt(row, schedule, nowMs) ?? 0),
    managed_by: row.managed_by,
    revision: row.revision,
    created_at: toInstant(row.created_at),
    updated_at: toInstant(row.updated_at),
  }
}

export function keyFactsOf(row: Pick<KeyAnswerRow, 'state' | 'until' | 'generation' | 'failures'>): KeyFacts {
  return { state: row.state as KeyState, until: row.until, generation: row.generation, failures: row.failures }
}

/** '' = none. */
export function toCause(text: string): Key['cause'] {
  if (text === '') return null
  const cause = JSON.parse(text) as Cause
  return { ...cause, at: toInstant(cause.at) }
}
