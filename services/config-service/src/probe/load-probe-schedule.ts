import { loadGroupSettings } from '../settings/load-group-settings.ts'
import type { VerbContext } from '../verb.ts'
import { probeScheduleOf, type ProbeSchedule } from './probe-schedule.ts'

/** Of one group. */
export async function loadProbeSchedule(
  ctx: Pick<VerbContext, 'store' | 'keyring' | 'environmentSettings'>,
  groupId: number,
): Promise<ProbeSchedule | null> {
  const settings = (await loadGroupSettings(ctx.store.sql, ctx, [groupId])).get(groupId)
  return settings === undefined ? null : probeScheduleOf(settings)
}
