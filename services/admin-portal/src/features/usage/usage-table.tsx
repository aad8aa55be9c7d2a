'use client'

import type { StatsBreakdown } from '@gpt-load/contracts/api/stats-report'
import { ChartColumn } from 'lucide-react'
import type { ReactNode } from 'react'
import { useApi } from '../../client/api.ts'
import { useText } from '../../i18n/locale.tsx'
import { DataTable } from '../../ui/data-table.tsx'
import { EmptyState } from '../../ui/states.tsx'
import { scopeQuery, type Period, type Scope } from '../analytics/period.ts'
import { useUsageColumns, type UsageRow } from './usage-columns.tsx'

export const usageDimensions = ['access_key', 'group', 'model', 'upstream'] as const
export const usageOrders = ['requests', 'failures', 'tokens', 'cost'] as const
export type UsageOrder = (typeof usageOrders)[number]

const top = 50
const refreshMs = 15_000

/** The first fifty of a dimension, and the rest together. */
export function UsageTable(props: {
  by: (typeof usageDimensions)[number]
  period: Period
  scope: Scope
  order: UsageOrder
  isCompared: boolean
  toolbar: ReactNode
  onOrder: (order: UsageOrder | null) => void
}) {
  const { t } = useText()
  const { by, period, scope, order, isCompared } = props
  const query = { ...period, ...scopeQuery(scope), by, order, top, compare: isCompared }
  const report = useApi('GET /api/v1/stats/breakdown', { query }, { refreshMs })
  const columns = useUsageColumns(by, isCompared, period)
  return (
    <DataTable
      label={t('nav.usage')}
      name="usage"
      toolbar={props.toolbar}
      sort={{
        by: order,
        isDescending: true,
        onChange: (column) => props.onOrder(usageOrders.find((each) => each === column) ?? null),
      }}
      columns={columns}
      rows={report.data === undefined || report.data.by !== by ? [] : rowsOf(report.data)}
      rowKey={({ key }) => key}
      rowHeight={isCompared ? 52 : 44}
      isLoading={report.data?.by !== by && report.error === null}
      error={report.error}
      onRetry={() => void report.refetch()}
      empty={
        <EmptyState
          icon={<ChartColumn aria-hidden className="size-5" />}
          title={t('logs.emptyTitle')}
          text={t('logs.emptyText')}
        />
      }
    />
  )
}

function rowsOf({ items, other }: StatsBreakdown): UsageRow[] {
  const rows: UsageRow[] = items.map((item) => ({ ...item, key: `${item.value}`, others: 0 }))
  if (other !== null) rows.push({ ...other, key: 'other ', value: '', name: null, latency: null, others: other.values })
  return rows
}
