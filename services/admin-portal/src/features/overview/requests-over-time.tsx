'use client'

import type { StatsPoint, StatsSeries } from '@gpt-load/contracts/api/stats'
import dynamic from 'next/dynamic'
import { parseAsInteger, parseAsStringLiteral, useQueryStates } from 'nuqs'
import { useMemo } from 'react'
import { useApi } from '../../client/api.ts'
import { useNow } from '../../client/use-now.ts'
import type { Format } from '../../i18n/format.ts'
import { useText } from '../../i18n/locale.tsx'
import { Choice } from '../../ui/choice.tsx'
import { DataTable, type Column } from '../../ui/data-table.tsx'
import { Panel } from '../../ui/page.tsx'
import { ErrorState } from '../../ui/states.tsx'
import type { ChartSeries } from '../../ui/time-chart.tsx'
import { GroupSelect } from '../groups/group-select.tsx'

const TimeChart = dynamic(async () => (await import('../../ui/time-chart.tsx')).TimeChart, {
  ssr: false,
  loading: () => <div className="h-59" />,
})

const ranges = {
  '1h': { step: 'minute', ms: 3_600_000 },
  '24h': { step: 'hour', ms: 86_400_000 },
  '7d': { step: 'hour', ms: 604_800_000 },
  '30d': { step: 'day', ms: 2_592_000_000 },
} as const
type Range = keyof typeof ranges
const rangeNames = Object.keys(ranges) as Range[]
const spans = { minute: 60, hour: 3_600, day: 86_400 } as const
const metrics = ['requests', 'tokens'] as const
const views = ['chart', 'table'] as const
const urlState = {
  range: parseAsStringLiteral(rangeNames).withDefault('24h'),
  metric: parseAsStringLiteral(metrics).withDefault('requests'),
  view: parseAsStringLiteral(views).withDefault('chart'),
  group: parseAsInteger,
}

/** Requests or tokens over a period, of everything or of one group: as a chart, as a table, as a sentence. */
export function RequestsOverTime({ groups }: { groups: readonly { id: number; name: string }[] }) {
  const { t } = useText()
  const [{ range, metric, view, group }, setUrl] = useQueryStates(urlState, { history: 'replace' })
  const query = useSeries(range, group)
  const data = query.data
  return (
    <section>
      <div className="mb-2 flex flex-wrap items-center gap-2">
        <h2 className="mr-auto text-[15px] font-semibold">{t('chart.title')}</h2>
        <GroupSelect
          label={t('logs.group')}
          all={t('filter.allGroups')}
          groups={groups}
          value={group}
          onChange={(id) => void setUrl({ group: id })}
        />
        <Choice
          label={t('chart.metric')}
          value={metric}
          options={metrics.map((each) => [each, t(`chart.metric.${each}`)] as const)}
          onChange={(value) => void setUrl({ metric: value })}
        />
        <Choice
          label={t('chart.range')}
          value={range}
          options={rangeNames.map((each) => [each, t(`logs.range.${each}`)] as const)}
          onChange={(value) => void setUrl({ range: value })}
        />
        <Choice
          label={t('chart.view')}
          value={view}
          options={views.map((each) => [each, t(`chart.${each}`)] as const)}
          onChange={(value) => void setUrl({ view: value })}
        />
      </div>
      {data === undefined ? (
        <Panel>
          {query.error === null ? (
            <div aria-busy className="h-72" />
          ) : (
            <ErrorState error={query.error} onRetry={() => void query.refetch()} />
          )}
        </Panel>
      ) : view === 'chart' ? (
        <SeriesChart data={data} metric={metric} />
      ) : (
        <SeriesTable points={data.points} />
      )}
    </section>
  )
}

/** The newest step grows while one looks. */
const refreshMs = 15_000

function useSeries(range: Range, group: number | null) {
  const { step, ms } = ranges[range]
  const spanMs = spans[step] * 1_000
  // A range begins with a step: it stays the same query until the next one begins.
  const from = new Date(Math.floor((useNow() - ms) / spanMs + 1) * spanMs).toISOString()
  return useApi('GET /api/v1/stats/series', { query: { step, from, group_id: group ?? undefined } }, { refreshMs })
}

function SeriesChart({ data, metric }: { data: StatsSeries; metric: (typeof metrics)[number] }) {
  const { t, format } = useText()
  const { points, step } = data
  const times = useMemo(() => points.map(({ at }) => Date.parse(at) / 1_000), [points])
  const series = useMemo((): ChartSeries[] => {
    const valuesOf = (pick: (point: StatsPoint) => number): number[] => points.map(pick)
    return metric === 'requests'
      ? [
          { name: t('chart.requests'), color: 'accent', values: valuesOf(({ requests }) => requests) },
          { name: t('chart.failures'), color: 'bad-fill', values: valuesOf(({ failures }) => failures) },
        ]
      : [
          { name: t('chart.tokensIn'), color: 'accent', values: valuesOf(({ tokens }) => tokens.input) },
          { name: t('chart.tokensOut'), color: 'good-fill', values: valuesOf(({ tokens }) => tokens.output) },
        ]
  }, [metric, points, t])
  const summary = useSummary(points, metric)
  return (
    <Panel className="px-4 pt-3 pb-2">
      <TimeChart
        label={summary}
        times={times}
        spanS={spans[step]}
        series={series}
        formatTime={(seconds) => format.dateTime(new Date(seconds * 1_000).toISOString())}
        formatAxis={(seconds) => axisTime(format, seconds, step)}
        formatValue={format.compact}
      />
      <p className="figures mt-1 border-t border-line pt-2 text-[13px] text-ink-faint">{summary}</p>
    </Panel>
  )
}

function axisTime(format: Format, seconds: number, step: StatsSeries['step']): string {
  const date = new Date(seconds * 1_000)
  const isMidnight = date.getHours() === 0 && date.getMinutes() === 0
  return step === 'day' || isMidnight ? format.shortDate(date) : format.clock(date)
}

function useSummary(points: readonly StatsPoint[], metric: (typeof metrics)[number]): string {
  const { t, format } = useText()
  const sum = (pick: (point: StatsPoint) => number): number => points.reduce((total, point) => total + pick(point), 0)
  const valueOf = ({ requests, tokens }: StatsPoint): number =>
    metric === 'requests' ? requests : tokens.input + tokens.output
  const peak = points.reduce<StatsPoint | undefined>(
    (best, point) => (best === undefined || valueOf(point) > valueOf(best) ? point : best),
    undefined,
  )
  if (peak === undefined || valueOf(peak) === 0) return t('chart.nothing')
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

function peakTime(format: Format, at: string): string {
  const date = new Date(at)
  return `${format.shortDate(date)}, ${format.clock(date)}`
}

function SeriesTable({ points }: { points: readonly StatsPoint[] }) {
  const { t, format } = useText()
  const newestFirst = useMemo(() => points.toReversed(), [points])
  const number = (
    id: string,
    header: string,
    pick: (point: StatsPoint) => number,
    from?: 'sm' | 'md',
  ): Column<StatsPoint> => ({
    id,
    header,
    isNumber: true,
    ...(from === undefined ? {} : { from }),
    cell: (point) => format.number(pick(point)),
  })
  const columns: Column<StatsPoint>[] = [
    {
      id: 'time',
      header: t('chart.time'),
      width: '170px',
      cell: ({ at }) => (
        <time dateTime={at} title={format.utc(at)} className="figures">
          {format.shortTime(at)}
        </time>
      ),
    },
    number('requests', t('chart.requests'), ({ requests }) => requests),
    number('failures', t('chart.failures'), ({ failures }) => failures),
    number('retries', t('chart.retries'), ({ retries }) => retries, 'sm'),
    number('rescued', t('chart.rescued'), ({ rescued }) => rescued, 'md'),
    number('in', t('chart.tokensIn'), ({ tokens }) => tokens.input, 'md'),
    number('out', t('chart.tokensOut'), ({ tokens }) => tokens.output, 'md'),
  ]
  return (
    <DataTable
      label={t('chart.title')}
      columns={columns}
      rows={newestFirst}
      rowKey={({ at }) => at}
      isLoading={false}
      error={null}
      onRetry={() => undefined}
      empty={t('chart.nothing')}
    />
  )
}
