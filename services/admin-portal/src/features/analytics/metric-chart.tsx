'use client'

import type { SeriesStep } from '@gpt-load/contracts/api/stats'
import dynamic from 'next/dynamic'
import type { Format } from '../../i18n/format.ts'
import { useText } from '../../i18n/locale.tsx'
import { Panel } from '../../ui/page.tsx'
import type { MetricView } from './metrics.ts'
import { spans } from './period.ts'

const TimeChart = dynamic(async () => (await import('../../ui/time-chart.tsx')).TimeChart, { ssr: false })

/** As tall without what it shows as with it: what stands below does not move while somebody is about to click there. */
export function MetricChart(props: {
  /** Absent until it is known. */
  view: MetricView | undefined
  step: SeriesStep
  height?: 208 | 96
  onRange?: (fromS: number, toS: number) => void
}) {
  const { format } = useText()
  const { view, step, height = 208, onRange } = props
  return (
    <Panel className="px-4 pt-3 pb-2">
      {/* The chart with its legend above it. */}
      <div aria-busy={view === undefined} className={height === 96 ? 'min-h-31' : 'min-h-59'}>
        {view !== undefined && (
          <TimeChart
            label={view.summary}
            times={view.times}
            spanS={spans[step]}
            series={view.series}
            kind={view.kind}
            height={height}
            formatTime={(seconds) => format.dateTime(new Date(seconds * 1_000).toISOString())}
            formatAxis={(seconds) => axisTime(format, seconds, step)}
            formatValue={view.formatValue}
            {...(onRange === undefined ? {} : { onRange })}
          />
        )}
      </div>
      <p className="figures mt-1 border-t border-line pt-2 text-[13px] text-ink-faint">{view?.summary ?? '\u00a0'}</p>
    </Panel>
  )
}

function axisTime(format: Format, seconds: number, step: SeriesStep): string {
  const date = new Date(seconds * 1_000)
  const isMidnight = date.getHours() === 0 && date.getMinutes() === 0
  return step === 'day' || isMidnight ? format.shortDate(date) : format.clock(date)
}
