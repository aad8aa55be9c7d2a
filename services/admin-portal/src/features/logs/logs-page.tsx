'use client'

import type { RequestLog } from '@gpt-load/contracts/api/log'
import { formatQuery } from '@gpt-load/api-client/format-target'
import { Download, Logs, Pause, Play } from 'lucide-react'
import dynamic from 'next/dynamic'
import { parseAsBoolean, parseAsString, parseAsStringLiteral, useQueryStates } from 'nuqs'
import { useCallback, useEffect, useMemo, useState } from 'react'
import { useApiList } from '../../client/api.ts'
import { useText } from '../../i18n/locale.tsx'
import { Button } from '../../ui/button.tsx'
import { DataTable } from '../../ui/data-table.tsx'
import { rowsOf } from '../../ui/rows-of.ts'
import { Menu } from '../../ui/menu.tsx'
import { NothingFound } from '../../ui/nothing-found.tsx'
import { PageHeader } from '../../ui/page.tsx'
import { EmptyState } from '../../ui/states.tsx'
import { MetricChart } from '../analytics/metric-chart.tsx'
import { useMetric } from '../analytics/metrics.ts'
import { exactState, rangeState, ranges, spans, stepOf } from '../analytics/period.ts'
import { FilterPills } from './filter-pills.tsx'
import { useLogColumns } from './log-columns.tsx'
import { canTail, indexedState, pillNames, pillQuery, pillState } from './log-filters.ts'
import { LogToolbar } from './log-toolbar.tsx'
import { useLogTail } from './use-log-tail.ts'

const LogDrawer = dynamic(async () => (await import('./log-drawer.tsx')).LogDrawer, { ssr: false })

const urlState = {
  ...rangeState,
  ...exactState,
  ...indexedState,
  ...pillState,
  search: parseAsString.withDefault(''),
  request: parseAsString,
  explain: parseAsBoolean.withDefault(false),
  live: parseAsBoolean.withDefault(true),
  order: parseAsStringLiteral(['newest', 'oldest']).withDefault('newest'),
}
const noFilters = {
  ...Object.fromEntries(pillNames.map((name) => [name, null])),
  group: null,
  accessKey: null,
  status: null,
  search: '',
}
/** A search that finds little goes on by itself until the screen is full. */
const screenfulRows = 60

export function LogsPage() {
  const { t, format } = useText()
  const [url, setUrl] = useQueryStates(urlState, { history: 'push' })
  const { group, accessKey, status, search, range, from, to, request, live, order } = url
  const isOldestFirst = order === 'oldest'
  const period = useLogPeriod(range, from, to)
  const filters = {
    group_id: group ?? undefined,
    access_key_id: accessKey ?? undefined,
    status: status ?? undefined,
    ...pillQuery(url),
  }
  const query = { ...period.ends, ...filters, request_id: search === '' ? undefined : search.slice(0, 64), order }
  const list = useApiList('GET /api/v1/logs', { query })
  const isTailing = live && !isOldestFirst && to === null && search === '' && canTail(url)
  const tail = useLogTail(filters, isTailing)
  const searching = useSearchOn(list)
  const rows = useMemo(() => merged(tail.items, list.items), [tail.items, list.items])
  const open = useCallback((id: string) => void setUrl({ request: id }), [setUrl])
  const columns = useLogColumns(open)
  const isFiltered =
    search !== '' || group !== null || accessKey !== null || status !== null || Object.keys(pillQuery(url)).length > 0
  const scope = { group, accessKey, model: url.model }
  return (
    <>
      <PageHeader
        title={t('nav.logs')}
        description={t('logs.about')}
        actions={
          <>
            <ExportMenu query={query} />
            <Button aria-pressed={live} onClick={() => void setUrl({ live: !live })}>
              {live ? <Pause aria-hidden className="size-3.5" /> : <Play aria-hidden className="size-3.5" />}
              {t(live ? 'logs.pause' : 'logs.resume')}
            </Button>
          </>
        }
      />
      <LogToolbar
        url={url}
        onChange={(change) => void setUrl(change)}
        onSearch={(value) => void setUrl({ search: value.trim() }, { history: 'replace' })}
      />
      <Histogram
        period={{ ...period.ends, step: period.step }}
        scope={scope}
        onRange={(fromS, toS) => void setUrl({ from: new Date(fromS * 1_000), to: new Date(toS * 1_000), live: false })}
      />
      <DataTable
        label={t('nav.logs')}
        name="logs"
        toolbar={
          <>
            <FilterPills values={url} onChange={(name, value) => void setUrl({ [name]: value })} />
            {tail.skipped > 0 && (
              <p role="status" className="figures text-[13px] text-ink-faint">
                {t('logs.skipped', { count: format.number(tail.skipped) })}
              </p>
            )}
            {searching.until !== null && (
              <p role="status" className="figures flex items-center gap-3 text-[13px] text-ink-faint">
                {t('logs.searching', { until: format.shortTime(searching.until) })}
                <Button size="small" onClick={searching.isOn ? searching.stop : searching.goOn}>
                  {t(searching.isOn ? 'logs.stop' : 'logs.goOn')}
                </Button>
              </p>
            )}
          </>
        }
        sort={{
          by: 'time',
          isDescending: !isOldestFirst,
          onChange: (_, isDescending) => void setUrl({ order: isDescending ? null : 'oldest' }),
        }}
        columns={columns}
        {...rowsOf(list)}
        rows={rows}
        rowKey={({ request_id: id }) => id}
        isMarked={({ request_id: id }) => id === request}
        empty={
          isFiltered ? (
            <NothingFound onClear={() => void setUrl(noFilters)} />
          ) : (
            <EmptyState
              icon={<Logs aria-hidden className="size-5" />}
              title={t('logs.emptyTitle')}
              text={t('logs.emptyText')}
            />
          )
        }
      />
      {request !== null && (
        <LogDrawer
          id={request}
          isExplained={url.explain}
          onExplain={(isOn) => void setUrl({ explain: isOn })}
          onClose={() => void setUrl({ request: null, explain: null })}
        />
      )}
    </>
  )
}

/** The tail in front of the list: whoever is in both is shown once. */
function merged(tail: readonly RequestLog[], list: readonly RequestLog[]): readonly RequestLog[] {
  if (tail.length === 0) return list
  const known = new Set(list.map(({ request_id: id }) => id))
  const fresh = tail.filter(({ request_id: id }) => !known.has(id))
  return [...fresh, ...list].toSorted((a, b) =>
    a.received_at < b.received_at ? 1 : a.received_at > b.received_at ? -1 : 0,
  )
}

/** Begins at a full minute: the list of one range stays the same query. */
function useLogPeriod(range: keyof typeof ranges, from: Date | null, to: Date | null) {
  return useMemo(() => {
    const minuteMs = spans.minute * 1_000
    const fromMs = from?.getTime() ?? Math.floor(Date.now() / minuteMs) * minuteMs - ranges[range].ms
    const step = from === null ? ranges[range].step : stepOf(fromMs, to?.getTime() ?? Date.now())
    const end = to === null ? {} : { to: to.toISOString() }
    return { step, ends: { from: new Date(fromMs).toISOString(), ...end } }
  }, [range, from, to])
}

type List = ReturnType<typeof useApiList<'GET /api/v1/logs'>>

/** Each call looks at a bounded part: pages go on until there is a screenful, the end, or somebody stops it. */
function useSearchOn(list: List) {
  const [isOn, setOn] = useState(true)
  const { hasNextPage, isFetching, fetchNextPage, items } = list
  const wants = hasNextPage && items.length < screenfulRows
  useEffect(() => {
    if (wants && isOn && !isFetching) void fetchNextPage()
  }, [wants, isOn, isFetching, fetchNextPage])
  const until = wants ? (list.data?.pages.at(-1)?.searched_until ?? null) : null
  return { until, isOn, stop: () => setOn(false), goOn: () => setOn(true) }
}

function Histogram(props: {
  period: Parameters<typeof useMetric>[1]
  scope: Parameters<typeof useMetric>[2]
  onRange: (fromS: number, toS: number) => void
}) {
  const { view } = useMetric('requests', props.period, props.scope)
  return (
    <div className="mb-3">
      <MetricChart view={view} step={props.period.step} height={96} onRange={props.onRange} />
    </div>
  )
}

/** A link each: the browser saves the stream as it comes, and shows how far it is. */
function ExportMenu({ query }: { query: Parameters<typeof formatQuery>[0] }) {
  const { t } = useText()
  const save = (form: 'csv' | 'ndjson') => {
    const link = document.createElement('a')
    link.href = `/api/v1/logs/export.${form}${formatQuery(query)}`
    link.download = `requests.${form === 'csv' ? 'csv' : 'jsonl'}`
    link.click()
  }
  return (
    <Menu
      label={t('logs.export')}
      trigger={
        <Button>
          <Download aria-hidden className="size-3.5" />
          {t('logs.export')}
        </Button>
      }
      items={[
        { label: 'CSV', onSelect: () => save('csv') },
        { label: 'JSON Lines', onSelect: () => save('ndjson') },
      ]}
    />
  )
}
