'use client'

import type { StatsSummary } from '@gpt-load/contracts/api/stats-report'
import { useApi } from '../../client/api.ts'
import { useText } from '../../i18n/locale.tsx'
import { scopeQuery, type Period, type Scope } from './period.ts'

/** The sums of a period; with the one before it beside them when that is asked for. */
type Values = StatsSummary['current']
type Figure = { name: string; text: string; value: number; before: number; isGoodWhenLess: boolean; isBad?: boolean }

const badShare = 0.05
const refreshMs = 15_000

export function PeriodFigures({ period, scope, isCompared }: { period: Period; scope: Scope; isCompared: boolean }) {
  const { t } = useText()
  const summary = useApi('GET /api/v1/stats/summary', { query: { ...period, ...scopeQuery(scope) } }, { refreshMs })
  const figures = useFigures(summary.data)
  return (
    <dl aria-label={t('figures.label')} className="mb-3 grid grid-cols-2 gap-2 sm:grid-cols-3 xl:grid-cols-6">
      {figures.map(({ name, text, isBad, ...change }) => (
        <div key={name} className="min-h-18 rounded-lg bg-sunken px-3 py-2">
          <dt className="truncate text-[13px] text-ink-faint">{name}</dt>
          <dd className={`figures text-lg font-semibold ${isBad === true ? 'text-bad' : ''}`}>{text}</dd>
          {isCompared && <Change {...change} />}
        </div>
      ))}
    </dl>
  )
}

function useFigures(data: StatsSummary | undefined): Figure[] {
  const { t, format } = useText()
  const [now, before] = [data?.current, data?.previous]
  const none = '–'
  const figure = (name: string, pick: (values: Values) => number, show: (value: number) => string): Figure => ({
    name,
    text: now === undefined ? none : show(pick(now)),
    value: now === undefined ? 0 : pick(now),
    before: before === undefined ? 0 : pick(before),
    isGoodWhenLess: false,
  })
  const share = (values: Values) => (values.requests === 0 ? 0 : values.failures / values.requests)
  const latency = (value: number): string => (value === 0 ? none : format.milliseconds(Math.round(value)))
  const failed = figure(t('figures.failed'), share, format.percent)
  return [
    figure(t('chart.requests'), ({ requests }) => requests, format.number),
    { ...failed, isGoodWhenLess: true, isBad: failed.value > badShare },
    figure(t('chart.rescued'), ({ rescued }) => rescued, format.number),
    {
      ...figure(t('figures.firstToken'), (values) => values.latency?.first_token?.p95 ?? 0, latency),
      isGoodWhenLess: true,
    },
    figure(t('figures.tokens'), ({ tokens }) => tokens.input + tokens.output, format.compact),
    {
      ...figure(t('chart.cost'), ({ cost }) => cost.usd, format.usd),
      isGoodWhenLess: true,
      ...((now?.cost.unpriced_requests ?? 0) === 0
        ? {}
        : { name: t('figures.costWithout', { count: format.compact(now?.cost.unpriced_requests ?? 0) }) }),
    },
  ]
}

function Change({ value, before, isGoodWhenLess }: Pick<Figure, 'value' | 'before' | 'isGoodWhenLess'>) {
  const { t, format } = useText()
  if (before === 0) return <dd className="text-[13px] text-ink-faint">{t('figures.nothingBefore')}</dd>
  const change = (value - before) / before
  const isGood = change === 0 ? null : change < 0 === isGoodWhenLess
  const tone = isGood === null ? 'text-ink-faint' : isGood ? 'text-good' : 'text-bad'
  return (
    <dd className={`figures text-[13px] ${tone}`}>
      {t('figures.change', { change: `${change > 0 ? '+' : ''}${format.percent(change)}` })}
    </dd>
  )
}
