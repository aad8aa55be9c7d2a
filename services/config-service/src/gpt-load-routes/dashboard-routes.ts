import {
  chartHours,
  gptLoadChartSchema,
  gptLoadDashboardSchema,
  gptLoadEncryptionSchema,
  type GptLoadCard,
} from '@gpt-load/contracts/gpt-load-api/dashboard'
import { statesOfGptLoadStatus, type GptLoadKeyStatus } from '@gpt-load/contracts/gpt-load-api/key'
import type { RequestSums } from '@gpt-load/database/logs/request-log-reader'
import { toInstant } from '../instant.ts'
import { callVerb, route, type GptLoadRoute, type RouteCall } from './gpt-load-route.ts'

/** The dashboard: from counts and rollups, so a request through an aggregate counts once, and a request with retries, too. */
const minuteS = 60
const hourS = 3_600
const rpmMinutes = 10
const successColor = '#18a058'
const failureColor = '#d03050'

export const dashboardRoutes: readonly GptLoadRoute[] = [
  route({
    method: 'get',
    path: '/api/dashboard/stats',
    scope: 'read',
    answer: gptLoadDashboardSchema,
    handle: showStats,
  }),
  route({ method: 'get', path: '/api/dashboard/chart', scope: 'read', answer: gptLoadChartSchema, handle: showChart }),
  route({
    method: 'get',
    path: '/api/dashboard/encryption-status',
    scope: 'read',
    answer: gptLoadEncryptionSchema,
    // A service whose ENCRYPTION_KEY does not open the database refuses to start: whoever answers has the right one.
    handle: async () => ({ has_mismatch: false, scenario_type: '', message: '', suggestion: '' }),
  }),
]

async function showStats(call: RouteCall<unknown>) {
  const [{ value: overview }, minutes, hours] = await Promise.all([
    callVerb(call, 'getOverview', {}),
    lastSums(call, { spanS: minuteS, count: 2 * rpmMinutes }),
    lastSums(call, { spanS: hourS, count: 2 * chartHours }),
  ])
  const sumOf = (status: GptLoadKeyStatus): number =>
    statesOfGptLoadStatus[status].reduce((sum, state) => sum + overview.keys[state], 0)
  const invalid = sumOf('invalid')
  const rpm = halves(minutes, ({ requests }) => requests / rpmMinutes)
  const requests = halves(hours, (sums) => sums.requests)
  const failures = halves(hours, (sums) => sums.failures)
  const rate = { now: percent(failures.now, requests.now), before: percent(failures.before, requests.before) }
  return {
    key_count: {
      value: sumOf('active'),
      ...(invalid === 0 ? {} : { sub_value: invalid, sub_value_tip: call.texts.INVALID_KEYS }),
      trend: 0,
      trend_is_growth: false,
    },
    rpm: { value: round(rpm.now), ...growth(rpm) },
    request_count: { value: requests.now, ...growth(requests) },
    error_rate: {
      value: round(rate.now),
      trend: round(rate.now - rate.before),
      // Falling is better.
      trend_is_growth: rate.now < rate.before,
    },
    security_warnings: warningsOf(call),
  }
}

function warningsOf({ ctx, texts }: RouteCall<unknown>) {
  const warnings = ctx.surroundings.weakSecrets.map(({ name, weakness }) => ({
    type: name,
    message: `${name} ${texts[`WEAK_${weakness.toUpperCase() as Uppercase<typeof weakness>}`]}`,
    severity: 'high' as const,
    suggestion: texts.WEAK_ADVICE,
  }))
  return warnings.length === 0 ? null : warnings
}

async function showChart(call: RouteCall<unknown>) {
  const text = call.query['groupId'] ?? ''
  const groupId = /^[1-9]\d{0,9}$/.test(text) ? { groupId: Number(text) } : {}
  const hours = await lastSums(call, { spanS: hourS, count: chartHours, ...groupId })
  return {
    labels: hours.map(({ bucketS }) => toInstant(bucketS * 1_000)),
    datasets: [
      {
        label: call.texts.CHART_SUCCESS,
        data: hours.map(({ requests, failures }) => requests - failures),
        color: successColor,
      },
      { label: call.texts.CHART_FAILURE, data: hours.map(({ failures }) => failures), color: failureColor },
    ],
  }
}

type Counts = Pick<RequestSums, 'bucketS' | 'requests' | 'failures'>

/** Oldest first, the current bucket last; one without requests is there, too. */
async function lastSums(
  { ctx }: RouteCall<unknown>,
  { spanS, count, groupId }: { spanS: typeof minuteS | typeof hourS; count: number; groupId?: number },
): Promise<Counts[]> {
  const toS = (Math.floor(ctx.clock.nowMs() / 1_000 / spanS) + 1) * spanS
  const fromS = toS - count * spanS
  const sums = await ctx.logReader.series({ spanS, fromS, toS, ...(groupId === undefined ? {} : { groupId }) })
  const byBucket = new Map(sums.map((one) => [one.bucketS, one]))
  return Array.from({ length: count }, (_, index) => {
    const bucketS = fromS + index * spanS
    return byBucket.get(bucketS) ?? { bucketS, requests: 0, failures: 0 }
  })
}

type Halves = { before: number; now: number }

function halves(sums: readonly Counts[], valueOf: (sums: Counts) => number): Halves {
  const add = (some: readonly Counts[]): number => some.reduce((sum, one) => sum + valueOf(one), 0)
  return { before: add(sums.slice(0, sums.length / 2)), now: add(sums.slice(sums.length / 2)) }
}

/** Percent of what was before; 100 after nothing. */
function growth({ before, now }: Halves): Pick<GptLoadCard, 'trend' | 'trend_is_growth'> {
  const afterNothing = now > 0 ? 100 : 0
  return {
    trend: before === 0 ? afterNothing : round(((now - before) / before) * 100),
    trend_is_growth: now >= before,
  }
}

function percent(part: number, whole: number): number {
  return whole === 0 ? 0 : (part / whole) * 100
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}
