'use client'

import { formatQuery } from '@gpt-load/api-client/format-target'
import type { StatsBreakdown } from '@gpt-load/contracts/api/stats-report'
import { Download } from 'lucide-react'
import { parseAsStringLiteral, useQueryStates } from 'nuqs'
import { useApi } from '../../client/api.ts'
import { useText } from '../../i18n/locale.tsx'
import { buttonStyle } from '../../ui/button.tsx'
import { Choice } from '../../ui/choice.tsx'
import { DataTable } from '../../ui/data-table.tsx'
import { PageHeader, Toolbar } from '../../ui/page.tsx'
import { EmptyState } from '../../ui/states.tsx'
import { CompareToggle } from '../analytics/compare-toggle.tsx'
import { PeriodFigures } from '../analytics/period-figures.tsx'
import { rangeNames, rangeState, scopeQuery, scopeState, usePeriod } from '../analytics/period.ts'
import { useUsageColumns, type UsageRow } from './usage-columns.tsx'

const dimensions = ['access_key', 'group', 'model', 'upstream'] as const
const orders = ['requests', 'failures', 'tokens', 'cost'] as const
const urlState = {
  ...rangeState,
  ...scopeState,
  by: parseAsStringLiteral(dimensions).withDefault('access_key'),
  order: parseAsStringLiteral(orders).withDefault('requests'),
}
const top = 50
const refreshMs = 15_000

/** Who and what uses how much, and what it costs: the first fifty, and the rest together. */
export function UsagePage() {
  const { t } = useText()
  const [url, setUrl] = useQueryStates(urlState, { history: 'replace' })
  const { range, by, order, compare } = url
  const period = usePeriod(range)
  const scope = { ...period, ...scopeQuery(url) }
  const report = useApi('GET /api/v1/stats/breakdown', { query: { ...scope, by, order, top, compare } }, { refreshMs })
  const columns = useUsageColumns(by, compare, period)
  return (
    <>
      <PageHeader
        title={t('nav.usage')}
        description={t('usage.about')}
        actions={
          <a href={`/api/v1/stats/export.csv${formatQuery({ ...scope, by })}`} download className={buttonStyle()}>
            <Download aria-hidden className="size-3.5" />
            {t('usage.export')}
          </a>
        }
      />
      <Toolbar>
        <Choice
          label={t('chart.range')}
          value={range}
          options={rangeNames.map((each) => [each, t(`logs.range.${each}`)] as const)}
          onChange={(value) => void setUrl({ range: value })}
        />
        <CompareToggle isOn={compare} onChange={(isOn) => void setUrl({ compare: isOn })} />
      </Toolbar>
      <PeriodFigures period={period} scope={url} isCompared={compare} />
      <DataTable
        label={t('nav.usage')}
        name="usage"
        toolbar={
          <Choice
            label={t('usage.by')}
            value={by}
            options={dimensions.map((each) => [each, t(`usage.by.${each}`)] as const)}
            onChange={(value) => void setUrl({ by: value })}
          />
        }
        sort={{
          by: order,
          isDescending: true,
          onChange: (column) => void setUrl({ order: orders.find((each) => each === column) ?? null }),
        }}
        columns={columns}
        rows={report.data === undefined || report.data.by !== by ? [] : rowsOf(report.data)}
        rowKey={({ key }) => key}
        rowHeight={compare ? 52 : 44}
        isLoading={report.data?.by !== by && report.error === null}
        error={report.error}
        onRetry={() => void report.refetch()}
        empty={
          <EmptyState
            icon={<Download aria-hidden className="size-5" />}
            title={t('logs.emptyTitle')}
            text={t('logs.emptyText')}
          />
        }
      />
    </>
  )
}

function rowsOf({ items, other }: StatsBreakdown): UsageRow[] {
  const rows: UsageRow[] = items.map((item) => ({ ...item, key: `${item.value}`, others: 0 }))
  if (other !== null) rows.push({ ...other, key: 'other ', value: '', name: null, latency: null, others: other.values })
  return rows
}
