import { randomUUID } from 'node:crypto'
import { quoteName } from '@gpt-load/database/bulk-insert'
import { withLease } from '@gpt-load/database/lease'
import { placeholders } from '@gpt-load/database/sql-runner'
import { startPeriodic, type Periodic } from '@gpt-load/service-kit/periodic'
import { systemActor } from '../admin-keys.ts'
import { ApiProblem } from '../http/api-problem.ts'
import type { Services } from '../services.ts'
import type { VerbContext } from '../verb.ts'
import { probeKey } from './probe-key.ts'
import { probeLeaseOf } from './probe-lease.ts'
import { probedStates, type ProbeSchedule } from './probe-schedule.ts'
import { createProbeSchedules, type ProbeSchedules } from './probe-schedules.ts'
import { createProbeSlots, inSlot, type ProbeSlots } from './probe-slots.ts'

/**
 * Brings keys back by itself: invalid and suspect ones are tried on the schedule of their group. A group is worked on under a
 * lease, so that of all replicas one keeps its rate and its concurrency; for a turn, so that a group of a million dead keys
 * holds up no other.
 */
const tickMs = 2_000
const turnMs = 20_000
const leaseTtlMs = 30_000
/** At the same time, of all groups of a replica. */
const maxScheduledProbes = 64
const groupsAtOnce = 16

type DueGroup = { id: number; schedule: ProbeSchedule }

export function startScheduledProbes(services: Services): Periodic {
  const slots = createProbeSlots(maxScheduledProbes)
  const schedules = createProbeSchedules(services)
  return startPeriodic({
    name: 'key-probes',
    intervalMs: tickMs,
    clock: services.clock,
    logger: services.logger,
    run: async (signal) => probeDueGroups(services, await groupsWithProbes(services, schedules), slots, signal),
  })
}

async function probeDueGroups(
  services: Services,
  due: readonly DueGroup[],
  slots: ProbeSlots,
  signal: AbortSignal,
): Promise<void> {
  const groups = due.values()
  const failures: unknown[] = []
  const work = async (): Promise<void> => {
    for (const group of groups) {
      if (signal.aborted) return
      try {
        await probeGroup(services, group, slots, signal)
      } catch (error) {
        failures.push(error)
      }
    }
  }
  await Promise.all(Array.from({ length: groupsAtOnce }, work))
  if (failures.length > 0) throw new AggregateError(failures, `probes of ${failures.length} groups failed`)
}

/**
 * From the counts that are kept and a step into an index: most groups have nothing to probe, most of the others nothing yet. One
 * statement for all of them.
 */
async function groupsWithProbes(services: Services, schedules: ProbeSchedules): Promise<DueGroup[]> {
  const { sql } = services.store
  const rows = await sql.query<{ id: number; revision: number; last_probe_at: number | null }>(
    `SELECT g.id, g.revision, (SELECT k.last_probe_at FROM provider_keys k
       WHERE k.group_id = c.group_id AND k.state = c.state ORDER BY k.last_probe_at LIMIT 1) AS last_probe_at
     FROM ${quoteName(sql, 'groups')} g JOIN group_key_counts c ON c.group_id = g.id
     WHERE g.enabled = ? AND g.kind = 'standard' AND c.${quoteName(sql, 'count')} > 0
       AND c.state IN (${placeholders(probedStates.length)})`,
    [true, ...probedStates],
  )
  const known = await schedules.of(rows)
  const nowMs = services.clock.nowMs()
  const due = new Map<number, DueGroup>()
  for (const { id, last_probe_at: lastProbeAt } of rows) {
    const schedule = known.get(id) ?? null
    if (schedule !== null && lastProbeAt !== null && lastProbeAt <= nowMs - schedule.intervalMs)
      due.set(id, { id, schedule })
  }
  return [...due.values()]
}

async function probeGroup(services: Services, group: DueGroup, slots: ProbeSlots, signal: AbortSignal): Promise<void> {
  await withLease(services.store, probeLeaseOf(group.id), { ttlMs: leaseTtlMs }, (lost) =>
    takeTurn(services, group, slots, AbortSignal.any([signal, lost])),
  )
}

/** Starts no probe before its time: `perMinute` of them, evenly. */
async function takeTurn(services: Services, group: DueGroup, slots: ProbeSlots, signal: AbortSignal): Promise<void> {
  const { clock } = services
  const { concurrency, perMinute } = group.schedule
  const gapMs = 60_000 / perMinute
  const endsAtMs = clock.monotonicMs() + turnMs
  let startsAtMs = clock.monotonicMs()
  const ids = new DueKeys(services, group)
  const work = async (): Promise<void> => {
    while (!signal.aborted) {
      const id = await ids.next()
      if (id === undefined) return
      const waitMs = startsAtMs - clock.monotonicMs()
      startsAtMs = Math.max(startsAtMs, clock.monotonicMs()) + gapMs
      if (clock.monotonicMs() + waitMs >= endsAtMs) return
      if (waitMs > 0) await clock.sleep(waitMs, signal)
      await probeOne(services, id, slots, signal)
    }
  }
  await Promise.all(Array.from({ length: concurrency }, work))
}

/** The due keys of a group, the longest due first, each once per turn. */
class DueKeys {
  readonly #services: Services
  readonly #group: DueGroup
  readonly #given = new Set<number>()
  #found: number[] = []
  #search: Promise<void> | null = null

  constructor(services: Services, group: DueGroup) {
    this.#services = services
    this.#group = group
  }

  async next(): Promise<number | undefined> {
    if (this.#found.length === 0) {
      this.#search ??= this.#refill().finally(() => (this.#search = null))
      await this.#search
    }
    return this.#found.pop()
  }

  async #refill(): Promise<void> {
    // Those in hand are still due by what is stored.
    const found = await findDue(this.#services, this.#group, this.#group.schedule.concurrency * 2)
    const fresh = found.filter((id) => !this.#given.has(id))
    for (const id of fresh) this.#given.add(id)
    this.#found = fresh.toReversed()
  }
}

async function findDue({ store, clock }: Services, { id, schedule }: DueGroup, limit: number): Promise<number[]> {
  const before = clock.nowMs() - schedule.intervalMs
  const found: number[] = []
  for (const state of probedStates) {
    const rows = await store.sql.query<{ id: number }>(
      `SELECT id FROM provider_keys WHERE group_id = ? AND state = ? AND last_probe_at <= ?
       ORDER BY last_probe_at LIMIT ${limit - found.length}`,
      [id, state, before],
    )
    for (const row of rows) found.push(row.id)
    if (found.length >= limit) break
  }
  return found
}

async function probeOne(services: Services, id: number, slots: ProbeSlots, signal: AbortSignal): Promise<void> {
  const ctx: VerbContext = { ...services, actor: systemActor, requestId: randomUUID() }
  try {
    await inSlot(slots, services.clock, () => probeKey(ctx, id, { isAudited: false, isScheduled: true, signal }))
  } catch (error) {
    // The process ends, or somebody deleted the key.
    if (signal.aborted || (error instanceof ApiProblem && error.code === 'not_found')) return
    throw error
  }
}
