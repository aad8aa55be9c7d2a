'use client'

import dynamic from 'next/dynamic'
import { useRouter } from 'next/navigation'
import { parseAsStringLiteral, useQueryStates } from 'nuqs'
import { useText } from '../../i18n/locale.tsx'
import { Choice } from '../../ui/choice.tsx'
import { Panel } from '../../ui/page.tsx'
import { ErrorState } from '../../ui/states.tsx'
import { CompareToggle } from '../analytics/compare-toggle.tsx'
import { MetricChart } from '../analytics/metric-chart.tsx'
import { ModelSelect } from '../analytics/model-select.tsx'
import { metricNames } from '../analytics/metric-names.ts'
import { useMetric } from '../analytics/metrics.ts'
import { logsHref, rangeNames, rangeState, scopeState, usePeriod } from '../analytics/period.ts'
import { PeriodFigures } from '../analytics/period-figures.tsx'
import { GroupSelect } from '../groups/group-select.tsx'

const MetricTable = dynamic(async () => (await import('../analytics/metric-table.tsx')).MetricTable, {
  ssr: false,
  loading: () => <div aria-busy className="h-72" />,
})

const views = ['chart', 'table'] as const
const urlState = {
  ...rangeState,
  ...scopeState,
  metric: parseAsStringLiteral(metricNames).withDefault('requests'),
  view: parseAsStringLiteral(views).withDefault('chart'),
}

/** A period of everything or of one group: its sums, and one metric as a chart, as a table, as a sentence. */
export function RequestsOverTime({ groups }: { groups: readonly { id: number; name: string }[] }) {
  const { t } = useText()
  const router = useRouter()
  const [url, setUrl] = useQueryStates(urlState, { history: 'replace' })
  const { range, metric, view } = url
  const period = usePeriod(range)
  const shown = useMetric(metric, period, url)
  return (
    <section>
      <div className="mb-2 flex flex-wrap items-center gap-2">
        <h2 className="mr-auto text-[15px] font-semibold">{t('chart.title')}</h2>
        <CompareToggle isOn={url.compare} onChange={(compare) => void setUrl({ compare })} />
        <GroupSelect
          label={t('logs.group')}
          all={t('filter.allGroups')}
          groups={groups}
          value={url.group}
          onChange={(id) => void setUrl({ group: id })}
        />
        <ModelSelect period={period} value={url.model} onChange={(model) => void setUrl({ model })} />
        <Choice
          label={t('chart.metric')}
          value={metric}
          options={metricNames.map((each) => [each, t(`chart.metric.${each}`)] as const)}
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
      <PeriodFigures period={period} scope={url} isCompared={url.compare} />
      {shown.view === undefined && shown.error !== null ? (
        <Panel>
          <ErrorState error={shown.error} onRetry={() => void shown.refetch()} />
        </Panel>
      ) : view === 'chart' ? (
        <MetricChart
          view={shown.view}
          step={period.step}
          onRange={(fromS, toS) => router.push(logsHref(url, fromS, toS))}
        />
      ) : shown.view === undefined ? (
        <div aria-busy className="h-72" />
      ) : (
        <MetricTable view={shown.view} label={t('chart.title')} />
      )}
    </section>
  )
}
