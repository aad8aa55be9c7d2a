import { maxReportedGroups, type EdgeReport } from '@gpt-load/contracts/edge-report'
import { quotaSpans, type QuotaWindow } from '@gpt-load/key-health/capacity'
import type { Clock } from '@gpt-load/service-kit/clock'
import type { Logger } from '@gpt-load/service-kit/logger'
import { startPeriodic, type Periodic } from '@gpt-load/service-kit/periodic'
import type { KeyTableWriter } from '../data-plane/key-table/key-table-writer.ts'
import type { PolicyDistributor } from './policy-distributor.ts'

/**
 * What groups burn on this edge, and what their keys have left as far as that is known: sums for the control plane, looked at
 * every few seconds. The busiest groups are told; memory is one minute of counters per group with traffic.
 */
export interface GroupUsage {
  start(): void
  list(): EdgeReport['group_usage']
  close(): Promise<void>
}

export type GroupUsageOptions = {
  table: Pick<KeyTableWriter, 'quotas' | 'burnt'>
  policies: Pick<PolicyDistributor, 'groupIds' | 'groupNumberOf'>
  clock: Clock
  logger: Logger
}

const sampleIntervalMs = 5_000
/** A minute. */
const samplesKept = 13
const minuteMs = 60_000
const rememberedMs = 2 * quotaSpans.day

type Sample = { atMs: number; requests: number; tokens: number }

export function createGroupUsage({ table, policies, clock, logger }: GroupUsageOptions): GroupUsage {
  const samples = new Map<number, Sample[]>()
  /** The most that a key of the group has had, by group number, kind and class of window. */
  const fullest = new Map<string, { most: number; seenAtMs: number }>()
  let windows: ReadonlyMap<number, readonly QuotaWindow[]> = new Map()
  let job: Periodic | undefined

  function sample(): void {
    const atMs = clock.monotonicMs()
    windows = new Map(
      [...table.quotas()].map(([number, known]) => [number, known.map((one) => filled(number, one, atMs))]),
    )
    for (const [place, { seenAtMs }] of fullest) if (atMs - seenAtMs > rememberedMs) fullest.delete(place)
    const present = new Set(policies.groupIds)
    for (const id of samples.keys()) if (!present.has(id)) samples.delete(id)
    for (const id of present) {
      const { requests, tokens } = table.burnt(policies.groupNumberOf(id))
      const former = samples.get(id) ?? []
      if (requests === 0 && former.length === 0) continue
      samples.set(id, [...former.slice(1 - samplesKept), { atMs, requests, tokens }])
    }
  }

  /** Keys that are nearly spent say little of their limit: what the fullest one has had of late stands for it. */
  function filled(groupNumber: number, window: QuotaWindow, atMs: number): QuotaWindow {
    const place = `${groupNumber} ${window.kind} ${window.span}`
    const seen = fullest.get(place)
    const isRecent = seen !== undefined && atMs - seen.seenAtMs <= 2 * quotaSpans[window.span]
    if (isRecent && seen.most > window.most) return { ...window, most: seen.most }
    fullest.set(place, { most: window.most, seenAtMs: atMs })
    return window
  }

  function usageOf([groupId, taken]: [number, Sample[]]): EdgeReport['group_usage'][number] {
    const ofGroup = windows.get(policies.groupNumberOf(groupId)) ?? []
    return {
      group_id: groupId,
      requests_per_minute: perMinute(taken, 'requests'),
      tokens_per_minute: perMinute(taken, 'tokens'),
      windows: ofGroup.map((window) => ({ ...window, resets: [...window.resets] })),
    }
  }

  return {
    start() {
      const common = { name: 'group usage', intervalMs: sampleIntervalMs, isImmediate: true, clock, logger }
      job = startPeriodic({ ...common, run: sample })
    },
    list: () =>
      [...samples]
        .map(usageOf)
        .filter(({ requests_per_minute: requests, windows: known }) => requests > 0 || known.length > 0)
        .toSorted((a, b) => b.requests_per_minute - a.requests_per_minute)
        .slice(0, maxReportedGroups),
    close: async () => void (await job?.stop()),
  }
}

/** The counters are words that run over. */
function perMinute(samples: readonly Sample[], what: 'requests' | 'tokens'): number {
  const [first, last] = [samples[0], samples.at(-1)]
  if (first === undefined || last === undefined || last.atMs <= first.atMs) return 0
  return Math.round((((last[what] - first[what]) >>> 0) * minuteMs) / (last.atMs - first.atMs))
}
