import { defaultSeriesRangeMs, maxSeriesRangeMs, seriesSteps, type SeriesStep } from '@gpt-load/contracts/api/stats'
import { everything, type LatencyScope } from '@gpt-load/database/logs/latency-scope'
import type { StatsRange, StatsScope } from '@gpt-load/database/logs/stats-reader'
import { wrongField } from '../http/api-problem.ts'
import { fromInstant, toInstant } from '../instant.ts'

/** What reports have in common: a range of whole steps, and what it is narrowed to. */
export type RangeQuery = { from?: string | undefined; to?: string | undefined; step?: SeriesStep | undefined }
export type SteppedRange = StatsRange & { step: SeriesStep }

const hourMs = 3_600_000
const dayMs = 86_400_000
/** Up to here a step is the shorter one: a chart has 360 points at most, and 336. */
const longestByMinuteMs = 6 * hourMs
const longestByHourMs = 14 * dayMs

/** From the step that holds `from` to the one that holds the last instant before `to`. */
export function rangeOf(query: RangeQuery, nowMs: number): SteppedRange {
  const toMs = query.to === undefined ? nowMs : Math.min(nowMs, fromInstant(query.to))
  const fromMs = query.from === undefined ? Math.max(0, toMs - defaultSeriesRangeMs) : fromInstant(query.from)
  if (fromMs > toMs) throw wrongField('/from', 'lies after "to", or after now')
  const step = query.step ?? fittingStep(fromMs, toMs, nowMs)
  const { spanS, keptS } = seriesSteps[step]
  if (toMs - fromMs > maxSeriesRangeMs[step])
    throw wrongField('/from', `the range may hold ${maxSeriesRangeMs[step] / dayMs} days`)
  if (keptS !== null && fromMs < nowMs - keptS * 1_000)
    throw wrongField('/from', `is too long ago for the step "${step}": take a longer one`)
  const fromS = Math.floor(fromMs / 1_000 / spanS) * spanS
  const toS = Math.max(fromS + spanS, Math.ceil(toMs / 1_000 / spanS) * spanS)
  return { step, spanS, fromS, toS }
}

/** One that is kept for the period before, too. */
function fittingStep(fromMs: number, toMs: number, nowMs: number): SeriesStep {
  const lengthMs = toMs - fromMs
  const isKept = (step: 'minute' | 'hour') => fromMs - lengthMs >= nowMs - seriesSteps[step].keptS * 1_000
  if (lengthMs <= longestByMinuteMs && isKept('minute')) return 'minute'
  return lengthMs <= longestByHourMs && isKept('hour') ? 'hour' : 'day'
}

export const periodBefore = ({ fromS, toS, ...rest }: SteppedRange): SteppedRange => ({
  ...rest,
  fromS: Math.max(0, 2 * fromS - toS),
  toS: fromS,
})

export const instantsOf = ({ step, fromS, toS }: SteppedRange) => ({
  step,
  from: toInstant(fromS * 1_000),
  to: toInstant(toS * 1_000),
})

export const bucketsOf = ({ fromS, toS, spanS }: StatsRange): number[] =>
  Array.from({ length: (toS - fromS) / spanS }, (_, index) => fromS + index * spanS)

export type ScopeQuery = {
  group_id?: number | undefined
  access_key_id?: number | undefined
  model?: string | undefined
  upstream?: string | undefined
}

export function scopeOf({ group_id: groupId, access_key_id: accessKeyId, model, upstream }: ScopeQuery): StatsScope {
  return {
    ...(groupId === undefined ? {} : { groupId }),
    ...(accessKeyId === undefined ? {} : { accessKeyId }),
    ...(model === undefined ? {} : { model }),
    ...(upstream === undefined ? {} : { upstream }),
  }
}

/** Null when more than one dimension is narrowed: latency is kept for one at a time. */
export function latencyScopeOf({ groupId, accessKeyId, model, upstream }: StatsScope): LatencyScope | null {
  const scopes: LatencyScope[] = []
  if (groupId !== undefined) scopes.push({ kind: 'group', value: groupId })
  if (accessKeyId !== undefined) scopes.push({ kind: 'access_key', value: accessKeyId })
  if (model !== undefined) scopes.push({ kind: 'model', value: model })
  if (upstream !== undefined) scopes.push({ kind: 'upstream', value: upstream })
  return scopes.length > 1 ? null : (scopes[0] ?? everything)
}
