'use client'

import { maxKeyRangeMs } from '@gpt-load/contracts/report-bounds'
import type { StatsKeys } from '@gpt-load/contracts/api/stats-report'
import { ChartColumn } from 'lucide-react'
import type { ReactNode } from 'react'
import { useApi } from '../../client/api.ts'
import { useText } from '../../i18n/locale.tsx'
import { groupHref } from '../../shell/navigation.ts'
import { DataTable } from '../../ui/data-table.tsx'
import { Moment } from '../../ui/moment.tsx'
import { PageLink } from '../../ui/page-link.tsx'
import { EmptyState } from '../../ui/states.tsx'
import type { Column } from '../../ui/table-columns.ts'
import type { Period } from '../analytics/period.ts'
import { useGroupNames } from '../groups/use-group-names.ts'
import type { UsageOrder } from './usage-table.tsx'

const top = 100
const refreshMs = 15_000
const hourMs = 3_600_000
type Row = StatsKeys['items'][number]

/** The keys with most requests, or most failures; they are summed up by the hour and for a week at a time. */
export function KeyLeaderboard(props: {
  period: Period
  group: number | null
  order: UsageOrder
  toolbar: ReactNode
  onOrder: (order: UsageOrder | null) => void
}) {
  const { t } = useText()
  const { period, group } = props
  const order = props.order === 'failures' ? 'failures' : 'requests'
  const earliest = Math.floor((Date.now() - maxKeyRangeMs) / hourMs + 1) * hourMs
  const from = new Date(Math.max(Date.parse(period.from), earliest)).toISOString()
  const query = { from, order, top, group_id: group ?? undefined } as const
  const report = useApi('GET /api/v1/stats/keys', { query }, { refreshMs })
  return (
    <DataTable
      label={t('nav.usage')}
      name="usage-keys"
      toolbar={
        <>
          {props.toolbar}
          {from !== period.from && <p className="text-[13px] text-ink-faint">{t('usage.keysWeek')}</p>}
        </>
      }
      sort={{
        by: order,
        isDescending: true,
        onChange: (column) => props.onOrder(column === 'failures' ? 'failures' : null),
      }}
      columns={useColumns()}
      rows={report.data?.items ?? []}
      rowKey={({ key_id: id }) => id}
      isLoading={report.isPending}
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

function useColumns(): Column<Row>[] {
  const { t, format } = useText()
  const nameOf = useGroupNames()
  return [
    {
      id: 'key',
      header: t('keys.key'),
      isFixed: true,
      cell: ({ key_id: id, group_id: group, hint }) =>
        hint === null ? (
          <span className="text-ink-faint">{t('usage.deletedKey', { id })}</span>
        ) : (
          <PageLink
            href={`${groupHref(group, 'keys')}&key=${id}`}
            className="font-mono text-[13px] text-accent hover:underline"
          >
            {hint} #{id}
          </PageLink>
        ),
    },
    {
      id: 'group',
      header: t('logs.group'),
      width: '24%',
      from: 'sm',
      cell: ({ group_id: group }) => nameOf(group),
    },
    {
      id: 'requests',
      header: t('logs.attempts'),
      width: '92px',
      isNumber: true,
      order: 'descending',
      cell: ({ requests }) => format.number(requests),
    },
    {
      id: 'failures',
      header: t('figures.failed'),
      width: '112px',
      isNumber: true,
      order: 'descending',
      cell: ({ requests, failures }) => (
        <span className={failures > 0 ? 'text-bad' : 'text-ink-faint'}>
          {format.number(failures)} ({format.percent(failures / Math.max(1, requests))})
        </span>
      ),
    },
    {
      id: 'used',
      header: t('keys.lastUsed'),
      width: '150px',
      from: 'md',
      cell: ({ last_used_at: at }) => <Moment at={at} />,
    },
  ]
}
