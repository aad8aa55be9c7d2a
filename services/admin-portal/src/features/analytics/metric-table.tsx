'use client'

import { useMemo } from 'react'
import type { Format } from '../../i18n/format.ts'
import { useText } from '../../i18n/locale.tsx'
import { DataTable } from '../../ui/data-table.tsx'
import type { Column } from '../../ui/table-columns.ts'
import type { MetricView } from './metrics.ts'

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
