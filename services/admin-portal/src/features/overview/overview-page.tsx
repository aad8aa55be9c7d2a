'use client'

import type { StatsOverview } from '@gpt-load/contracts/api/stats'
import type { SystemWarning } from '@gpt-load/contracts/api/system'
import { useRouter } from 'next/navigation'
import type { ReactNode } from 'react'
import { useApi } from '../../client/api.ts'
import { useText } from '../../i18n/locale.tsx'
import { PageHeader, Panel } from '../../ui/page.tsx'
import { PageLink } from '../../ui/page-link.tsx'
import { ShortTable } from '../../ui/short-table.tsx'
import { EmptyState, ErrorState, SkeletonRows } from '../../ui/states.tsx'
import { KeyHealthBar } from '../groups/key-health.tsx'
import { useLogColumns } from '../logs/log-columns.tsx'
import { Logs } from 'lucide-react'
import { FirstSteps } from './first-steps.tsx'
import { GroupsAtWork } from './groups-at-work.tsx'
import { RequestsOverTime } from './requests-over-time.tsx'
import { ThingsToLookAt, useWarnings } from './things-to-look-at.tsx'

/** How it goes, on one screen: whether keys, requests and edges are well, and where to look when they are not. */
export function OverviewPage() {
  const { t } = useText()
  const query = useApi('GET /api/v1/stats/overview', {}, { refreshMs: 5_000 })
  const { warnings, isPending } = useWarnings()
  return (
    <>
      <PageHeader title={t('nav.overview')} description={t('overview.about')} />
      {query.data !== undefined && !isPending ? (
        <Overview overview={query.data} warnings={warnings} />
      ) : (
        <Panel>
          {query.error === null ? (
            <SkeletonRows rows={8} height={52} />
          ) : (
            <ErrorState error={query.error} onRetry={() => void query.refetch()} />
          )}
        </Panel>
      )}
    </>
  )
}

function Overview({ overview, warnings }: { overview: StatsOverview; warnings: readonly SystemWarning[] }) {
  const { t, format } = useText()
  const { keys, requests, edges } = overview
  return (
    <div className="grid grid-cols-1 gap-5">
      <ThingsToLookAt warnings={warnings} />
      <FirstSteps overview={overview} />
      <dl className="grid grid-cols-2 gap-3 xl:grid-cols-4">
        <Figure
          name={t('overview.keys')}
          value={format.number(keys.active)}
          note={t('overview.ofKeys', { total: format.number(keys.total) })}
          foot={<KeyHealthBar counts={keys} />}
        />
        <Requests name={t('overview.lastHour')} totals={requests.last_hour} />
        <Requests name={t('overview.lastDay')} totals={requests.last_day} />
        <Figure
          name={t('nav.edges')}
          value={`${format.number(edges.applied)} / ${format.number(edges.reachable)}`}
          note={t('overview.onRevision', { revision: format.number(overview.revision) })}
        />
      </dl>
      {keys.total > 0 && <RequestsOverTime groups={overview.by_group} />}
      <GroupsAtWork overview={overview} />
      <LatestRequests />
    </div>
  )
}

function Figure(props: { name: string; value: string; note: string; foot?: ReactNode; isBad?: boolean }) {
  return (
    <div className="flex min-h-26 flex-col rounded-lg border border-line bg-surface px-4 py-3">
      <dt className="text-[13px] text-ink-faint">{props.name}</dt>
      <dd className="figures mt-1 text-2xl font-semibold tracking-tight">{props.value}</dd>
      <dd className={`figures mt-0.5 text-[13px] ${props.isBad === true ? 'text-bad' : 'text-ink-faint'}`}>
        {props.note}
      </dd>
      {props.foot !== undefined && <dd className="mt-2">{props.foot}</dd>}
    </div>
  )
}

/** Above this share of failures somebody should look. */
const badShare = 0.05

function Requests({ name, totals }: { name: string; totals: StatsOverview['requests']['last_hour'] }) {
  const { t, format } = useText()
  const share = totals.requests === 0 ? 0 : totals.failures / totals.requests
  return (
    <Figure
      name={name}
      value={format.number(totals.requests)}
      note={t('overview.failures', { count: format.number(totals.failures), share: format.percent(share) })}
      isBad={share > badShare}
    />
  )
}

const latest = 8

function LatestRequests() {
  const { t } = useText()
  const router = useRouter()
  const list = useApi('GET /api/v1/logs', { query: { limit: latest } }, { refreshMs: 5_000 })
  const rows = list.data?.items ?? []
  const columns = useLogColumns((id) => router.push(`/logs/?request=${id}`))
  return (
    <section>
      <div className="mb-2 flex items-baseline justify-between">
        <h2 className="text-[15px] font-semibold">{t('overview.latest')}</h2>
        <PageLink href="/logs/" className="text-accent hover:underline">
          {t('overview.allRequests')}
        </PageLink>
      </div>
      {rows.length > 0 ? (
        <ShortTable label={t('overview.latest')} columns={columns} rows={rows} rowKey={({ request_id: id }) => id} />
      ) : (
        <Panel>
          {list.isPending ? (
            <SkeletonRows rows={latest} height={44} />
          ) : list.error !== null ? (
            <ErrorState error={list.error} onRetry={() => void list.refetch()} />
          ) : (
            <EmptyState
              icon={<Logs aria-hidden className="size-5" />}
              title={t('logs.emptyTitle')}
              text={t('logs.emptyText')}
            />
          )}
        </Panel>
      )}
    </section>
  )
}
