'use client'

import type { StatsBreakdown } from '@gpt-load/contracts/api/stats-report'
import { useText } from '../../i18n/locale.tsx'
import type { Column } from '../../ui/table-columns.ts'
import { PageLink } from '../../ui/page-link.tsx'
import { logsHref, type Period } from '../analytics/period.ts'

/** `others` > 0: that many values together. */
export type UsageRow = StatsBreakdown['items'][number] & { key: string; others: number }

export function useUsageColumns(by: StatsBreakdown['by'], isCompared: boolean, period: Period): Column<UsageRow>[] {
  const { t, format } = useText()
  const number = (
    id: string,
    header: string,
    show: (row: UsageRow) => string,
    more: Pick<Column<UsageRow>, 'from' | 'order'> = {},
  ): Column<UsageRow> => ({ id, header, isNumber: true, ...more, cell: show })
  const ms = (value: number | undefined): string => (value === undefined ? '–' : format.milliseconds(Math.round(value)))
  return [
    {
      id: 'name',
      isFixed: true,
      header: t(`usage.by.${by as 'group' | 'model' | 'access_key' | 'upstream'}`),
      width: '30%',
      cell: (row) => <Name row={row} by={by} period={period} />,
    },
    {
      id: 'requests',
      header: t('chart.requests'),
      order: 'descending',
      isNumber: true,
      cell: ({ requests, previous }) => (
        <>
          {format.number(requests)}
          {isCompared && (
            <span className="block text-xs text-ink-faint">
              {t('usage.before', { count: format.number(previous?.requests ?? 0) })}
            </span>
          )}
        </>
      ),
    },
    number(
      'failures',
      t('figures.failed'),
      ({ requests, failures }) => format.percent(failures / Math.max(1, requests)),
      { from: 'sm', order: 'descending' },
    ),
    number('rescued', t('chart.rescued'), ({ rescued }) => format.number(rescued), { from: 'lg' }),
    number('p95', t('figures.firstToken'), ({ latency }) => ms(latency?.first_token?.p95), { from: 'lg' }),
    number(
      'tokens',
      t('logs.tokens'),
      ({ tokens }) => `${format.compact(tokens.input)} / ${format.compact(tokens.output)}`,
      { from: 'md', order: 'descending' },
    ),
    number(
      'cost',
      t('chart.cost'),
      ({ cost }) => (cost.usd === 0 && cost.unpriced_requests > 0 ? t('usage.unpriced') : format.usd(cost.usd)),
      { order: 'descending' },
    ),
  ]
}

function Name({ row, by, period }: { row: UsageRow; by: StatsBreakdown['by']; period: Period }) {
  const { t, format } = useText()
  if (row.others > 0)
    return <span className="text-ink-faint">{t('usage.others', { count: format.number(row.others) })}</span>
  if (row.value === '' || row.value === 0) return <span className="text-ink-faint">{t('usage.none')}</span>
  const name = row.name ?? (typeof row.value === 'number' ? `#${row.value}` : row.value)
  const scope = {
    group: by === 'group' ? Number(row.value) : null,
    accessKey: by === 'access_key' ? Number(row.value) : null,
    model: by === 'model' ? String(row.value) : null,
  }
  if (by === 'upstream') return <span title={name}>{name}</span>
  return (
    <PageLink
      href={logsHref(scope, Date.parse(period.from) / 1_000, Math.ceil(Date.now() / 60_000) * 60)}
      className="truncate text-accent hover:underline"
    >
      {name}
    </PageLink>
  )
}
