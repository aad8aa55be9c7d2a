'use client'

import type { SeriesStep } from '@gpt-load/contracts/api/stats'
import dynamic from 'next/dynamic'
import { useMemo } from 'react'
import type { Format } from '../../i18n/format.ts'
import { useText } from '../../i18n/locale.tsx'
import { DataTable, type Column } from '../../ui/data-table.tsx'
import { Panel } from '../../ui/page.tsx'
import type { MetricView } from './metrics.ts'
import { spans } from './period.ts'

const TimeChart = dynamic(async () => (await import('../../ui/time-chart.tsx')).TimeChart, {
  ssr: false,
  loading: () => <div className="h-59" />,
})

export function MetricChart(props: {
  view: MetricView
  step: SeriesStep
  height?: 208 | 96
  onRange?: (fromS: number, toS: number) => void
}) {
  const { format } = useText()
  const { view, step, height, onRange } = props
  return (
    <Panel className="px-4 pt-3 pb-2">
      <TimeChart
        label={view.summary}
        times={view.times}
        spanS={spans[step]}
        series={view.series}
        kind={view.kind}
        {...(height === undefined ? {} : { height })}
        formatTime={(seconds) => format.dateTime(new Date(seconds * 1_000).toISOString())}
        formatAxis={(seconds) => axisTime(format, seconds, step)}
        formatValue={view.formatValue}
        {...(onRange === undefined ? {} : { onRange })}
      />
      <p className="figures mt-1 border-t border-line pt-2 text-[13px] text-ink-faint">{view.summary}</p>
    </Panel>
  )
}

function axisTime(format: Format, seconds: number, step: SeriesStep): string {
  const date = new Date(seconds * 1_000)
  const isMidnight = date.getHours() === 0 && date.getMinutes() === 0
  return step === 'day' || isMidnight ? format.shortDate(date) : format.clock(date)
}

type Row = { at: string; index: number }

/** The same, newest first. */
export function MetricTable({ view, label }: { view: MetricView; label: string }) {
  const { t, format } = useText()
  const rows = useMemo(
    () => view.times.map((seconds, index) => ({ at: new Date(seconds * 1_000).toISOString(), index })).toReversed(),
    [view.times],
  )
  const columns: Column<Row>[] = [
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
    ...[...view.series, ...view.more].map(({ name, values }, position): Column<Row> => ({
      id: name,
      header: name,
      isNumber: true,
      ...(position < 2 ? {} : { from: position < 3 ? 'sm' : 'md' }),
      cell: ({ index }) => {
        const value = values[index]
        return value === null || value === undefined ? '–' : exact(value, view, format)
      },
    })),
  ]
  return (
    <DataTable
      label={label}
      columns={columns}
      rows={rows}
      rowKey={({ at }) => at}
      isLoading={false}
      error={null}
      onRetry={() => undefined}
      empty={<p className="px-4 py-6 text-ink-faint">{view.summary}</p>}
    />
  )
}

/** Axes are short, tables are not. */
function exact(value: number, { formatValue }: MetricView, format: Format): string {
  return formatValue === format.compact ? format.number(value) : formatValue(value)
}
