import type { StatsPoint } from '@gpt-load/contracts/api/stats'
import type { StatsErrors, StatsLatency } from '@gpt-load/contracts/api/stats-report'
import { useMemo } from 'react'
import { useApi } from '../../client/api.ts'
import type { Format } from '../../i18n/format.ts'
import { useText } from '../../i18n/locale.tsx'
import type { PlainKey } from '../../i18n/messages.ts'
import type { ChartColor, ChartSeries } from '../../ui/time-chart.tsx'
import type { LatencyMetric, MetricName } from './metric-names.ts'
import { scopeQuery, type Period, type Scope } from './period.ts'

/** One metric over time in the form that chart, table and sentence share. */
export type MetricView = {
  times: number[]
  kind: 'bars' | 'stacked' | 'lines'
  series: ChartSeries[]
  /** Beside the chart's, in the table. */
  more: { name: string; values: readonly (number | null)[] }[]
  summary: string
  formatValue: (value: number) => string
}

/** The newest step grows while one looks. */
const refreshMs = 15_000
type Text = ReturnType<typeof useText>
const timesOf = (points: readonly { at: string }[]): number[] => points.map(({ at }) => Date.parse(at) / 1_000)

export function useMetric(metric: MetricName, period: Period & { to?: string }, scope: Scope) {
  const text = useText()
  const query = { ...period, ...scopeQuery(scope) }
  const isLatency = metric === 'duration' || metric === 'first_token'
  const isErrors = metric === 'errors'
  const series = useApi('GET /api/v1/stats/series', { query }, { refreshMs, isEnabled: !isLatency && !isErrors })
  const errors = useApi('GET /api/v1/stats/errors', { query }, { refreshMs, isEnabled: isErrors })
  const latency = useApi('GET /api/v1/stats/latency', { query }, { refreshMs, isEnabled: isLatency })
  const asked = isLatency ? latency : isErrors ? errors : series
  const view = useMemo((): MetricView | undefined => {
    if (metric === 'errors') return errors.data && errorView(errors.data, text)
    if (metric === 'duration' || metric === 'first_token')
      return latency.data && latencyView(latency.data, metric, text)
    return series.data && sumView(series.data.points, metric, text)
  }, [metric, series.data, errors.data, latency.data, text])
  return { view, error: asked.error, refetch: asked.refetch }
}

function sumView(points: readonly StatsPoint[], metric: 'requests' | 'tokens' | 'cost', text: Text): MetricView {
  const { t, format } = text
  const column = (name: PlainKey, pick: (point: StatsPoint) => number) => ({ name: t(name), values: points.map(pick) })
  const base = { times: timesOf(points), formatValue: format.compact }
  if (metric === 'cost') {
    const cost = column('chart.cost', (point) => point.cost_usd)
    return {
      ...base,
      kind: 'bars',
      series: [{ ...cost, color: 'accent' }],
      more: [],
      summary: costSummary(points, text),
      formatValue: format.usd,
    }
  }
  const requests = [
    { ...column('chart.requests', (point) => point.requests), color: 'accent' as const },
    { ...column('chart.failures', (point) => point.failures), color: 'bad-fill' as const },
  ]
  const tokens = [
    { ...column('chart.tokensIn', (point) => point.tokens.input), color: 'accent' as const },
    { ...column('chart.tokensOut', (point) => point.tokens.output), color: 'good-fill' as const },
  ]
  const rest = [column('chart.retries', (point) => point.retries), column('chart.rescued', (point) => point.rescued)]
  const tokenClasses = [
    column('chart.tokensCached', (point) => point.tokens.cached),
    column('chart.tokensReasoning', (point) => point.tokens.reasoning),
  ]
  return {
    ...base,
    kind: 'bars',
    series: metric === 'requests' ? requests : tokens,
    more: metric === 'requests' ? rest : tokenClasses,
    summary: sumSummary(points, metric, text),
  }
}

function costSummary(points: readonly StatsPoint[], { t, format }: Text): string {
  const usd = points.reduce((sum, point) => sum + point.cost_usd, 0)
  const peak = peakOf(points, (point) => point.cost_usd)
  if (peak === null) return t('chart.noCost')
  return t('chart.summaryCost', {
    usd: format.usd(usd),
    peak: peakTime(format, peak.at),
    peakValue: format.usd(peak.cost_usd),
  })
}

function sumSummary(points: readonly StatsPoint[], metric: 'requests' | 'tokens', { t, format }: Text): string {
  const sum = (pick: (point: StatsPoint) => number): number => points.reduce((total, point) => total + pick(point), 0)
  const valueOf = ({ requests, tokens }: StatsPoint): number =>
    metric === 'requests' ? requests : tokens.input + tokens.output
  const peak = peakOf(points, valueOf)
  if (peak === null) return t('chart.nothing')
  const most = { peak: peakTime(format, peak.at), peakValue: format.number(valueOf(peak)) }
  if (metric === 'tokens')
    return t('chart.summaryTokens', {
      tokensIn: format.number(sum(({ tokens }) => tokens.input)),
      tokensOut: format.number(sum(({ tokens }) => tokens.output)),
      ...most,
    })
  const [requests, failures] = [sum((point) => point.requests), sum((point) => point.failures)]
  return t('chart.summaryRequests', {
    requests: format.number(requests),
    failures: format.number(failures),
    share: format.percent(failures / requests),
    retries: format.number(sum(({ retries }) => retries)),
    ...most,
  })
}

function peakOf<Point>(points: readonly Point[], valueOf: (point: Point) => number): Point | null {
  let best: Point | null = null
  for (const point of points) if (valueOf(point) > (best === null ? 0 : valueOf(best))) best = point
  return best
}

function peakTime(format: Format, at: string): string {
  const date = new Date(at)
  return `${format.shortDate(date)}, ${format.clock(date)}`
}

const errorColors: Readonly<Record<string, ChartColor>> = {
  upstream: 'bad-fill',
  network: 'warn-fill',
  rate_limit: 'accent',
  key_auth: 'good-fill',
  key_quota: 'ink-faint',
}

export function errorText(errorClass: StatsErrors['by_class'][number]['error_class'], { t }: Pick<Text, 't'>): string {
  return errorClass === '' ? t('chart.passedThrough') : t(`cause.${errorClass}`)
}

function errorView({ points, by_class: byClass, total }: StatsErrors, text: Text): MetricView {
  const { t, format } = text
  const series = byClass.map(({ error_class: name }) => ({
    name: errorText(name, text),
    color: errorColors[name] ?? ('idle-fill' as const),
    values: points.map((point) => point.by_class.find((each) => each.error_class === name)?.requests ?? 0),
  }))
  const [first] = byClass
  return {
    times: timesOf(points),
    kind: 'stacked',
    series,
    more: [],
    summary:
      first === undefined
        ? t('chart.noErrors')
        : t('chart.summaryErrors', {
            total: format.number(total),
            first: errorText(first.error_class, text),
            share: format.percent(first.requests / total),
          }),
    formatValue: format.compact,
  }
}

function latencyView({ points }: StatsLatency, metric: LatencyMetric, { t, format }: Text): MetricView {
  const known = points ?? []
  const line = (name: 'p50' | 'p95' | 'p99', color: ChartColor): ChartSeries => ({
    name,
    color,
    values: known.map((point) => point[metric]?.[name] ?? null),
  })
  const worst = peakOf(known, (point) => point[metric]?.p95 ?? 0)
  const latency = (value: number): string => format.milliseconds(Math.round(value))
  return {
    times: timesOf(known),
    kind: 'lines',
    series: [line('p50', 'good-fill'), line('p95', 'warn-fill'), line('p99', 'bad-fill')],
    more: [{ name: t('chart.measured'), values: known.map((point) => point[metric]?.requests ?? 0) }],
    summary:
      points === null
        ? t('chart.oneDimension')
        : worst === null
          ? t('chart.notMeasured')
          : t('chart.summaryLatency', {
              peak: peakTime(format, worst.at),
              p50: latency(worst[metric]?.p50 ?? 0),
              p95: latency(worst[metric]?.p95 ?? 0),
            }),
    formatValue: latency,
  }
}
