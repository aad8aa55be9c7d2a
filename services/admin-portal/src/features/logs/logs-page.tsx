'use client'

import { Logs, Pause, Play } from 'lucide-react'
import dynamic from 'next/dynamic'
import { parseAsBoolean, parseAsInteger, parseAsString, parseAsStringLiteral, useQueryStates } from 'nuqs'
import { useCallback, useMemo } from 'react'
import { useApi, useApiList } from '../../client/api.ts'
import { useText } from '../../i18n/locale.tsx'
import { Button } from '../../ui/button.tsx'
import { DataTable } from '../../ui/data-table.tsx'
import { rowsOf } from '../../ui/rows-of.ts'
import { Select, TextInput } from '../../ui/field.tsx'
import { NothingFound } from '../../ui/nothing-found.tsx'
import { PageHeader, Toolbar } from '../../ui/page.tsx'
import { SearchField } from '../../ui/search-field.tsx'
import { EmptyState } from '../../ui/states.tsx'
import { GroupSelect } from '../groups/group-select.tsx'
import { useLogColumns } from './log-columns.tsx'

const LogDrawer = dynamic(async () => (await import('./log-drawer.tsx')).LogDrawer, { ssr: false })

const ranges = { '1h': 3_600_000, '24h': 86_400_000, '7d': 604_800_000, '30d': 2_592_000_000 } as const
const rangeNames = Object.keys(ranges) as (keyof typeof ranges)[]
const filters = {
  group: parseAsInteger,
  accessKey: parseAsInteger,
  status: parseAsInteger,
  search: parseAsString.withDefault(''),
  range: parseAsStringLiteral(rangeNames).withDefault('24h'),
  request: parseAsString,
  live: parseAsBoolean.withDefault(true),
}
const liveMs = 3_000
/** Statuses that are worth a look by themselves. */
const statuses = [200, 400, 401, 403, 404, 429, 499, 500, 502, 503, 504]

export function LogsPage() {
  const { t } = useText()
  const [url, setUrl] = useQueryStates(filters, { history: 'push' })
  const { group, accessKey, status, search, range, request, live } = url
  // Begins at a full minute: the list of one range stays the same query.
  const from = useMemo(() => new Date(Math.floor(Date.now() / 60_000) * 60_000 - ranges[range]).toISOString(), [range])
  const query = {
    from,
    group_id: group ?? undefined,
    access_key_id: accessKey ?? undefined,
    status: status ?? undefined,
    request_id: search === '' ? undefined : search.slice(0, 64),
  }
  const list = useApiList('GET /api/v1/logs', { query }, live ? { refreshMs: liveMs } : {})
  const groups = useApi('GET /api/v1/groups', { query: { limit: 1_000 } })
  const accessKeys = useApi('GET /api/v1/access-keys', { query: { limit: 1_000 } })
  const open = useCallback((id: string) => void setUrl({ request: id }), [setUrl])
  const columns = useLogColumns(open)
  const setSearch = useCallback(
    (value: string) => void setUrl({ search: value.trim() }, { history: 'replace' }),
    [setUrl],
  )
  const isFiltered = group !== null || accessKey !== null || status !== null || search !== ''
  return (
    <>
      <PageHeader
        title={t('nav.logs')}
        description={t('logs.about')}
        actions={
          <Button aria-pressed={live} onClick={() => void setUrl({ live: !live })}>
            {live ? <Pause aria-hidden className="size-3.5" /> : <Play aria-hidden className="size-3.5" />}
            {t(live ? 'logs.pause' : 'logs.resume')}
          </Button>
        }
      />
      <Toolbar>
        <SearchField label={t('logs.search')} value={search} onChange={setSearch} />
        <GroupSelect
          label={t('logs.group')}
          all={t('filter.allGroups')}
          groups={groups.data?.items ?? []}
          value={group}
          onChange={(id) => void setUrl({ group: id })}
        />
        <GroupSelect
          label={t('logs.accessKey')}
          all={t('filter.allAccessKeys')}
          groups={accessKeys.data?.items ?? []}
          value={accessKey}
          onChange={(id) => void setUrl({ accessKey: id })}
        />
        <StatusField value={status} onChange={(value) => void setUrl({ status: value })} />
        <Select
          aria-label={t('logs.range')}
          className="w-auto!"
          value={range}
          onChange={(event) => void setUrl({ range: rangeNames.find((each) => each === event.target.value) ?? '24h' })}
        >
          {rangeNames.map((each) => (
            <option key={each} value={each}>
              {t(`logs.range.${each}`)}
            </option>
          ))}
        </Select>
      </Toolbar>
      <DataTable
        label={t('nav.logs')}
        columns={columns}
        {...rowsOf(list)}
        rowKey={({ request_id: id }) => id}
        isMarked={({ request_id: id }) => id === request}
        empty={
          isFiltered ? (
            <NothingFound onClear={() => void setUrl({ group: null, accessKey: null, status: null, search: '' })} />
          ) : (
            <EmptyState
              icon={<Logs aria-hidden className="size-5" />}
              title={t('logs.emptyTitle')}
              text={t('logs.emptyText')}
            />
          )
        }
      />
      {request !== null && <LogDrawer id={request} onClose={() => void setUrl({ request: null })} />}
    </>
  )
}

function StatusField({ value, onChange }: { value: number | null; onChange: (value: number | null) => void }) {
  const { t } = useText()
  return (
    <>
      <TextInput
        key={value ?? 'any'}
        aria-label={t('logs.status')}
        placeholder={t('logs.status')}
        inputMode="numeric"
        maxLength={3}
        list="statuses"
        className="figures w-24!"
        defaultValue={value ?? ''}
        onChange={(event) => {
          const text = event.target.value.trim()
          if (text === '') onChange(null)
          else if (/^[1-9]\d\d$/.test(text)) onChange(Number(text))
        }}
      />
      <datalist id="statuses">
        {statuses.map((status) => (
          <option key={status} value={status} />
        ))}
      </datalist>
    </>
  )
}
