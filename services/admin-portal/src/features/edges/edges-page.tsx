'use client'

import type { Edge, EdgeList } from '@gpt-load/contracts/api/edge'
import { Cable } from 'lucide-react'
import { parseAsString, useQueryStates } from 'nuqs'
import { useCallback } from 'react'
import { useApi } from '../../client/api.ts'
import { useText } from '../../i18n/locale.tsx'
import { StateMark } from '../../ui/badge.tsx'
import { DataTable } from '../../ui/data-table.tsx'
import type { Column } from '../../ui/table-columns.ts'
import { Drawer, DrawerSection } from '../../ui/drawer.tsx'
import { DateTime, Moment } from '../../ui/moment.tsx'
import { NothingFound } from '../../ui/nothing-found.tsx'
import { Facts, PageHeader } from '../../ui/page.tsx'
import { SearchField } from '../../ui/search-field.tsx'
import { EmptyState } from '../../ui/states.tsx'

const filters = { search: parseAsString.withDefault(''), edge: parseAsString }

/** Who serves, and whether each has what was changed last. */
export function EdgesPage() {
  const { t } = useText()
  const [{ search, edge }, setUrl] = useQueryStates(filters, { history: 'push' })
  const query = useApi('GET /api/v1/edges', {}, { refreshMs: 2_000 })
  const columns = useColumns((instance) => void setUrl({ edge: instance }))
  const setSearch = useCallback((value: string) => void setUrl({ search: value }, { history: 'replace' }), [setUrl])
  const rows = (query.data?.items ?? []).filter(({ name, instance }) => `${name} ${instance}`.includes(search))
  const opened = query.data?.items.find(({ instance }) => instance === edge)
  return (
    <>
      <PageHeader
        title={t('nav.edges')}
        description={query.data === undefined ? t('edges.about') : <Summary list={query.data} />}
      />
      <DataTable
        label={t('nav.edges')}
        name="edges"
        toolbar={<SearchField label={t('edges.search')} value={search} onChange={setSearch} />}
        columns={columns}
        rows={rows}
        rowKey={({ instance }) => instance}
        isLoading={query.isPending}
        error={query.error}
        onRetry={() => void query.refetch()}
        empty={
          search === '' ? (
            <EmptyState
              icon={<Cable aria-hidden className="size-5" />}
              title={t('edges.emptyTitle')}
              text={t('edges.emptyText')}
            />
          ) : (
            <NothingFound onClear={() => void setUrl({ search: '' })} />
          )
        }
      />
      {opened !== undefined && <EdgeDrawer edge={opened} onClose={() => void setUrl({ edge: null })} />}
    </>
  )
}

function Summary({ list }: { list: EdgeList }) {
  const { t, format } = useText()
  return t('edges.summary', {
    revision: format.number(list.revision),
    applied: format.number(list.applied),
    reachable: format.number(list.reachable),
  })
}

function useColumns(onOpen: (instance: string) => void): Column<Edge>[] {
  const { t, format } = useText()
  return [
    {
      id: 'name',
      header: t('edges.name'),
      isFixed: true,
      cell: ({ name, instance }) => (
        <button
          type="button"
          title={instance}
          onClick={() => onOpen(instance)}
          className="rounded-sm font-medium hover:text-accent"
        >
          {name}
        </button>
      ),
    },
    { id: 'state', header: t('edges.state'), width: '150px', cell: (edge) => <EdgeState edge={edge} /> },
    {
      id: 'revision',
      header: t('edges.revision'),
      width: '110px',
      isNumber: true,
      from: 'sm',
      cell: ({ revision, lag }) => (
        <span className={lag > 0 ? 'text-warn' : ''}>
          {format.number(revision)}
          {lag > 0 && ` (−${format.number(lag)})`}
        </span>
      ),
    },
    {
      id: 'inFlight',
      header: t('edges.inFlight'),
      width: '100px',
      isNumber: true,
      cell: (edge) => format.number(edge.in_flight),
    },
    {
      id: 'keys',
      header: t('edges.keys'),
      width: '100px',
      isNumber: true,
      from: 'md',
      cell: ({ keys }) => format.number(keys),
    },
    {
      id: 'served',
      header: t('edges.served'),
      width: '110px',
      isNumber: true,
      from: 'md',
      cell: ({ log }) => format.number(log.served),
    },
    {
      id: 'dropped',
      header: t('edges.dropped'),
      width: '110px',
      isNumber: true,
      from: 'lg',
      cell: ({ log }) => (
        <span className={log.dropped > 0 ? 'text-bad' : 'text-ink-faint'}>{format.number(log.dropped)}</span>
      ),
    },
    {
      id: 'reported',
      header: t('edges.reported'),
      width: '130px',
      from: 'lg',
      cell: ({ reported_at: at }) => <Moment at={at} />,
    },
    {
      id: 'started',
      header: t('edges.started'),
      width: '130px',
      isExtra: true,
      cell: ({ started_at: at }) => <Moment at={at} />,
    },
    { id: 'version', header: t('edges.version'), width: '110px', isExtra: true, cell: ({ version }) => version },
    {
      id: 'hash',
      header: t('edges.hash'),
      width: '180px',
      isExtra: true,
      cell: ({ state_hash: hash }) => (
        <span className="font-mono text-xs" title={hash}>
          {hash}
        </span>
      ),
    },
  ]
}

function EdgeState({ edge }: { edge: Edge }) {
  const { t } = useText()
  if (!edge.reachable) return <StateMark tone="bad">{t('edges.silent')}</StateMark>
  if (edge.draining) return <StateMark tone="idle">{t('edges.draining')}</StateMark>
  if (!edge.ready) return <StateMark tone="warn">{t('edges.notReady')}</StateMark>
  return edge.lag > 0 ? (
    <StateMark tone="warn">{t('edges.behind')}</StateMark>
  ) : (
    <StateMark tone="good">{t('edges.current')}</StateMark>
  )
}

function EdgeDrawer({ edge, onClose }: { edge: Edge; onClose: () => void }) {
  const { t, format } = useText()
  const { log } = edge
  return (
    <Drawer title={edge.name} onClose={onClose}>
      <EdgeState edge={edge} />
      <DrawerSection title={t('edges.process')}>
        <Facts
          items={[
            [
              t('edges.instance'),
              <span key="instance" className="font-mono text-xs break-all">
                {edge.instance}
              </span>,
            ],
            [t('edges.version'), edge.version],
            [t('edges.started'), <DateTime key="started" at={edge.started_at} />],
            [t('edges.workers'), format.number(edge.workers)],
            [t('edges.deaths'), format.number(edge.worker_deaths)],
            [t('edges.skew'), format.milliseconds(edge.clock_skew_ms)],
          ]}
        />
      </DrawerSection>
      <DrawerSection title={t('edges.sync')}>
        <Facts
          items={[
            [t('edges.revision'), format.number(edge.revision)],
            [t('edges.feed'), t(edge.feed_connected ? 'common.yes' : 'common.no')],
            [t('edges.outbox'), format.number(edge.outbox_pending)],
            [
              t('edges.hash'),
              <span key="hash" className="font-mono text-xs break-all">
                {edge.state_hash}
              </span>,
            ],
          ]}
        />
      </DrawerSection>
      <DrawerSection title={t('edges.records')}>
        <Facts
          items={[
            [t('edges.served'), format.number(log.served)],
            [t('edges.acknowledged'), format.number(log.acknowledged)],
            [t('edges.waiting'), format.number(log.in_flight + log.spooled)],
            [t('edges.dropped'), format.number(log.dropped)],
          ]}
        />
      </DrawerSection>
    </Drawer>
  )
}
