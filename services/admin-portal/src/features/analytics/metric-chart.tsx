'use client'

import type { SeriesStep } from '@gpt-load/contracts/api/stats'
import dynamic from 'next/dynamic'
import type { Format } from '../../i18n/format.ts'
import { useText } from '../../i18n/locale.tsx'
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
