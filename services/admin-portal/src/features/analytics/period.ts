import type { SeriesStep } from '@gpt-load/contracts/api/stats'
import { parseAsBoolean, parseAsInteger, parseAsIsoDateTime, parseAsString, parseAsStringLiteral } from 'nuqs'
import { useNow } from '../../client/use-now.ts'

/** Which time and what of it a page of figures is about: all of it in the URL, so that a link shows what was seen. */
export const ranges = {
  '1h': { step: 'minute', ms: 3_600_000 },
  '24h': { step: 'hour', ms: 86_400_000 },
  '7d': { step: 'hour', ms: 604_800_000 },
  '30d': { step: 'day', ms: 2_592_000_000 },
} as const satisfies Record<string, { step: SeriesStep; ms: number }>
export type RangeName = keyof typeof ranges
export const rangeNames = Object.keys(ranges) as RangeName[]
export const spans: Readonly<Record<SeriesStep, number>> = { minute: 60, hour: 3_600, day: 86_400 }

export const rangeState = { range: parseAsStringLiteral(rangeNames).withDefault('24h') }
export const scopeState = {
  group: parseAsInteger,
  accessKey: parseAsInteger,
  model: parseAsString,
  compare: parseAsBoolean.withDefault(false),
}
/** A range by its ends goes before a named one. */
export const exactState = { from: parseAsIsoDateTime, to: parseAsIsoDateTime }

export type Period = { from: string; step: SeriesStep }
export type Scope = { group: number | null; accessKey: number | null; model: string | null }

/** A range begins with a step: it stays the same query until the next one begins. */
export function usePeriod(range: RangeName): Period {
  const { step, ms } = ranges[range]
  const spanMs = spans[step] * 1_000
  return { step, from: new Date(Math.floor((useNow() - ms) / spanMs + 1) * spanMs).toISOString() }
}

export function scopeQuery({ group, accessKey, model }: Scope) {
  return { group_id: group ?? undefined, access_key_id: accessKey ?? undefined, model: model ?? undefined }
}

const hourMs = 3_600_000

/** Of a range by its ends: as many points as a chart can show. */
export function stepOf(fromMs: number, toMs: number): SeriesStep {
  const isRecent = Date.now() - fromMs < 47 * hourMs
  if (toMs - fromMs <= 6 * hourMs && isRecent) return 'minute'
  return toMs - fromMs <= 14 * 24 * hourMs && Date.now() - fromMs < 89 * 24 * hourMs ? 'hour' : 'day'
}

/** The list of a range that was dragged over. */
export function logsHref(scope: Scope, fromS: number, toS: number): string {
  const query = new URLSearchParams({
    from: new Date(fromS * 1_000).toISOString(),
    to: new Date(toS * 1_000).toISOString(),
    live: 'false',
  })
  if (scope.group !== null) query.set('group', String(scope.group))
  if (scope.accessKey !== null) query.set('accessKey', String(scope.accessKey))
  if (scope.model !== null) query.set('model', scope.model)
  return `/logs/?${query}`
}
