import type { Settings } from '@gpt-load/contracts/settings'
import type { KeyState } from '@gpt-load/contracts/key-state'

/** How a group's keys are probed without anybody asking; null = they are not. */
export type ProbeSchedule = {
  mode: 'chat' | 'models'
  intervalMs: number
  /** At the same time. */
  concurrency: number
  perMinute: number
}

/**
 * What a clock alone does not bring back. A key that was condemned since its last probe is due at once, which confirms or
 * clears it; then once per interval.
 */
export const probedStates = ['suspect', 'invalid'] as const satisfies readonly KeyState[]

export function probeScheduleOf(settings: Settings): ProbeSchedule | null {
  const mode = settings.key_validation_mode
  if (mode === 'off') return null
  return {
    mode,
    intervalMs: settings.key_validation_interval_minutes * 60_000,
    concurrency: settings.key_validation_concurrency,
    perMinute: settings.key_validation_rate_per_minute,
  }
}

/** Epoch ms, never in the past; null = no probe is planned. */
export function nextProbeAt(
  key: { state: string; last_probe_at: number },
  schedule: ProbeSchedule | null,
  nowMs: number,
): number | null {
  if (schedule === null || !probedStates.some((state) => state === key.state)) return null
  return Math.max(nowMs, key.last_probe_at + schedule.intervalMs)
}
