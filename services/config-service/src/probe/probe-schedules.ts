import type { Services } from '../services.ts'
import { loadGroupSettings } from '../settings/load-group-settings.ts'
import { probeScheduleOf, type ProbeSchedule } from './probe-schedule.ts'

/**
 * Schedules of many groups, asked for every two seconds: settings are read and opened again only for groups that have changed
 * since, or for all when a system setting has.
 */
export interface ProbeSchedules {
  /** null = no probes. Groups that are gone are left out. */
  of(groups: readonly { id: number; revision: number }[]): Promise<ReadonlyMap<number, ProbeSchedule | null>>
}

/** Groups in one statement. */
const perQuery = 1_000

type Known = { revision: number; schedule: ProbeSchedule | null }

export function createProbeSchedules(
  services: Pick<Services, 'store' | 'keyring' | 'environmentSettings'>,
): ProbeSchedules {
  const { store, keyring } = services
  let known = new Map<number, Known>()
  let systemState = ''

  async function forgetWhenSystemChanged(): Promise<void> {
    const [row] = await store.sql.query<{ settings: number; newest: number | null }>(
      'SELECT COUNT(*) AS settings, MAX(revision) AS newest FROM settings',
    )
    const state = `${keyring.epoch} ${row?.settings} ${row?.newest}`
    if (state === systemState) return
    systemState = state
    known = new Map()
  }

  return {
    async of(groups) {
      await forgetWhenSystemChanged()
      const revisions = new Map(groups.map(({ id, revision }) => [id, revision]))
      const stale = [...revisions].filter(([id, revision]) => known.get(id)?.revision !== revision)
      for (let start = 0; start < stale.length; start += perQuery) {
        const some = stale.slice(start, start + perQuery)
        const settings = await loadGroupSettings(
          store.sql,
          services,
          some.map(([id]) => id),
        )
        for (const [id, revision] of some) {
          const own = settings.get(id)
          if (own !== undefined) known.set(id, { revision, schedule: probeScheduleOf(own) })
        }
      }
      // What has nothing to probe any more is forgotten, so that this never grows past the groups there are.
      known = new Map([...known].filter(([id]) => revisions.has(id)))
      return new Map([...known].map(([id, { schedule }]) => [id, schedule]))
    },
  }
}
