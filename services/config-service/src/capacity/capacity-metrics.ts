import type { Capacity } from '@gpt-load/contracts/api/capacity'
import type { Metrics } from '@gpt-load/service-kit/metrics'
import type { Logger } from '@gpt-load/service-kit/logger'
import { startPeriodic, type Periodic } from '@gpt-load/service-kit/periodic'
import { loadCapacities, type CapacityContext } from './load-capacity.ts'

/** The forecast of each group as gauges. `none` stands where the API says null. */
const none = -1
const intervalMs = 30_000

type Gauge = { name: string; help: string; read(capacity: Capacity, nowMs: number): number | null }

const secondsUntil = (instant: string | null, nowMs: number) =>
  instant === null ? null : Math.max(0, (Date.parse(instant) - nowMs) / 1_000)

const gauges: readonly Gauge[] = [
  { name: 'usable_keys', help: 'Keys that can be used now', read: (group) => group.usable_keys },
  {
    name: 'requests_per_minute',
    help: 'Requests tried on keys in the last minute, all edges',
    read: (group) => group.requests_per_minute,
  },
  { name: 'tokens_per_minute', help: 'Tokens of the last minute, all edges', read: (group) => group.tokens_per_minute },
  {
    name: 'requests_headroom_per_minute',
    help: 'Requests that could be added; -1: nothing is learnt',
    read: (group) => group.requests_headroom_per_minute,
  },
  {
    name: 'tokens_headroom_per_minute',
    help: 'Tokens that could be added; -1: nothing is learnt',
    read: (group) => group.tokens_headroom_per_minute,
  },
  {
    name: 'dry_in_seconds',
    help: 'Until the keys run dry at the present burn; -1: not foreseen',
    read: (group, nowMs) => secondsUntil(group.runs_dry_at, nowMs),
  },
  {
    name: 'relief_in_seconds',
    help: 'Until the first relief after that; -1: none is known',
    read: (group, nowMs) => secondsUntil(group.relief_at, nowMs),
  },
  { name: 'keys_needed', help: 'Keys that would carry the burn till then', read: (group) => group.keys_needed },
]

export function startCapacityMetrics(
  options: CapacityContext & { metrics: Metrics; logger: Logger },
): Pick<Periodic, 'stop'> {
  const { metrics, clock, logger } = options
  const declared = gauges.map(({ name, help, read }) => ({
    read,
    gauge: metrics.gauge<'group'>({ name: `gptload_config_group_${name}`, help, labels: ['group'] }),
  }))
  const shown = new Set<string>()
  return startPeriodic({
    name: 'capacity-metrics',
    intervalMs,
    isImmediate: true,
    clock,
    logger,
    run: async () => {
      const nowMs = clock.nowMs()
      const capacities = await loadCapacities(options)
      const present = new Set(capacities.map(({ group }) => group))
      for (const group of shown) if (!present.has(group)) for (const { gauge } of declared) gauge.set(none, { group })
      for (const capacity of capacities) {
        shown.add(capacity.group)
        for (const { gauge, read } of declared) gauge.set(read(capacity, nowMs) ?? none, { group: capacity.group })
      }
    },
  })
}
