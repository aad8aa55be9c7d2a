import {
  defaultSeriesRangeMs,
  maxSeriesRangeMs,
  seriesSteps,
  type StatsPoint,
  type StatsSeries,
} from '@gpt-load/contracts/api/stats'
import type { RequestSums } from '@gpt-load/database/logs/request-log-reader'
import { authorise } from '../authorise.ts'
import { wrongField } from '../http/api-problem.ts'
import { fromInstant, toInstant } from '../instant.ts'
import type { VerbAnswer, VerbContext, VerbInput } from '../verb.ts'

/** Requests over time, from sums that are kept per step: no request is looked at, and a range has 3,000 points at most. */
type Query = Pick<VerbInput<'getSeries'>, 'query'>['query']

export async function getSeries({
  ctx,
  input: { query },
}: {
  ctx: VerbContext
  input: Pick<VerbInput<'getSeries'>, 'query'>
}): Promise<VerbAnswer<StatsSeries>> {
  authorise(ctx, 'getSeries')
  const { step, group_id: groupId, access_key_id: accessKeyId } = query
  const { spanS } = seriesSteps[step]
  const { fromS, toS } = bucketsOf(query, ctx.clock.nowMs())
  const sums = await ctx.logReader.series({
    spanS,
    fromS,
    toS,
    ...(groupId === undefined ? {} : { groupId }),
    ...(accessKeyId === undefined ? {} : { accessKeyId }),
  })
  const byBucket = new Map(sums.map((one) => [one.bucketS, one]))
  const count = (toS - fromS) / spanS
  const points = Array.from({ length: count }, (_, index) => {
    const bucketS = fromS + index * spanS
    return toPoint(byBucket.get(bucketS) ?? { ...nothing, bucketS })
  })
  return { value: { step, from: toInstant(fromS * 1_000), to: toInstant(toS * 1_000), points } }
}

/** Whole steps: from the one that holds `from` to the one that holds the last instant before `to`. */
function bucketsOf({ step, from, to }: Query, nowMs: number): { fromS: number; toS: number } {
  const { spanS, keptS } = seriesSteps[step]
  const toMs = to === undefined ? nowMs : Math.min(nowMs, fromInstant(to))
  const fromMs = from === undefined ? Math.max(0, toMs - defaultSeriesRangeMs) : fromInstant(from)
  if (fromMs > toMs) throw wrongField('/from', 'lies after "to", or after now')
  if (toMs - fromMs > maxSeriesRangeMs) throw wrongField('/from', 'the range may hold 90 days')
  if (keptS !== null && fromMs < nowMs - keptS * 1_000)
    throw wrongField('/from', `is too long ago for the step "${step}": take a longer one`)
  const fromS = Math.floor(fromMs / 1_000 / spanS) * spanS
  const toS = Math.max(fromS + spanS, Math.ceil(toMs / 1_000 / spanS) * spanS)
  return { fromS, toS }
}

const nothing: Omit<RequestSums, 'bucketS'> = {
  requests: 0,
  failures: 0,
  retries: 0,
  rescued: 0,
  tokens: { input: 0, output: 0, cached: 0, reasoning: 0 },
}

function toPoint({ bucketS, ...sums }: RequestSums): StatsPoint {
  return { at: toInstant(bucketS * 1_000), ...sums }
}
