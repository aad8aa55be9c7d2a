'use client'

import type { System } from '@gpt-load/contracts/api/system'
import type { ReactNode } from 'react'
import { useApi } from '../../client/api.ts'
import { useNow } from '../../client/use-now.ts'
import { useText } from '../../i18n/locale.tsx'
import { StateMark, Tag } from '../../ui/badge.tsx'
import { DateTime } from '../../ui/moment.tsx'
import { Facts, PageHeader, Panel } from '../../ui/page.tsx'
import { PageLink } from '../../ui/page-link.tsx'
import { ErrorState, SkeletonRows } from '../../ui/states.tsx'
import { LogAccount } from './log-account.tsx'
import { Warnings } from './warnings.tsx'

/** How the installation is. */
export function SystemPage() {
  const { t } = useText()
  const query = useApi('GET /api/v1/system', {}, { refreshMs: 5_000 })
  return (
    <>
      <PageHeader title={t('nav.system')} description={t('system.about')} />
      {query.data !== undefined ? (
        <Overview system={query.data} />
      ) : (
        <Panel>
          {query.error === null ? (
            <SkeletonRows rows={8} height={44} />
          ) : (
            <ErrorState error={query.error} onRetry={() => void query.refetch()} />
          )}
        </Panel>
      )}
    </>
  )
}

function Overview({ system }: { system: System }) {
  const { t } = useText()
  return (
    <div className="grid grid-cols-1 gap-5">
      <section>
        <h2 className="mb-2 text-[15px] font-semibold">{t('system.warnings')}</h2>
        <Warnings warnings={system.warnings} />
      </section>
      <div className="grid grid-cols-1 items-start gap-5 lg:grid-cols-2">
        <Installation system={system} />
        <div className="grid min-w-0 grid-cols-1 gap-5">
          <Checks checks={system.checks} />
          <LogAccount />
          <EdgeVersions edges={system.edges} />
        </div>
      </div>
    </div>
  )
}

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section>
      <h2 className="mb-2 text-[15px] font-semibold">{title}</h2>
      {children}
    </section>
  )
}

const databaseNames = { mysql: 'MySQL / MariaDB', sqlite: 'SQLite' } as const

function Installation({ system }: { system: System }) {
  const { t, format } = useText()
  const now = useNow()
  const { database } = system
  return (
    <Section title={t('system.installation')}>
      <Panel className="p-4">
        <Facts
          items={[
            [t('system.version'), system.version],
            [t('system.kind'), t(`system.kind.${system.kind}`)],
            [t('system.uptime'), format.countdown(now - Date.parse(system.started_at))],
            [t('system.started'), <DateTime key="started" at={system.started_at} />],
            [t('system.serverTime'), <DateTime key="time" at={system.server_time} />],
            [
              t('system.database'),
              <span key="database" className="figures">
                {databaseNames[database.dialect]} {database.version} ·{' '}
                {t('system.roundTrip', { ms: database.round_trip_ms })}
              </span>,
            ],
            [t('system.node'), `${system.node_version} · ${system.platform}`],
            [t('edges.revision'), format.number(system.revision)],
            [
              t('system.epoch'),
              <code key="epoch" className="font-mono text-[13px] break-all">
                {system.epoch}
              </code>,
            ],
          ]}
        />
      </Panel>
    </Section>
  )
}

function Checks({ checks }: Pick<System, 'checks'>) {
  const { t } = useText()
  return (
    <Section title={t('system.checks')}>
      <Panel>
        <ul>
          {checks.map(({ name, ok, required, detail }) => (
            <li
              key={name}
              className="flex min-h-11 flex-wrap items-center gap-x-3 gap-y-0.5 border-b border-line px-4 py-2 last:border-b-0"
            >
              <span className="min-w-0 flex-1 truncate font-mono text-[13px]">{name}</span>
              {required && <Tag>{t('system.required')}</Tag>}
              <StateMark tone={ok ? 'good' : required ? 'bad' : 'warn'}>
                {t(ok ? 'system.well' : 'system.unwell')}
              </StateMark>
              {detail !== '' && (
                <span className="w-full truncate text-[13px] text-ink-faint" title={detail} lang="en">
                  {detail}
                </span>
              )}
            </li>
          ))}
        </ul>
      </Panel>
    </Section>
  )
}

function EdgeVersions({ edges }: Pick<System, 'edges'>) {
  const { t, format } = useText()
  return (
    <Section title={t('system.edgeVersions')}>
      <Panel>
        <ul>
          {edges.versions.map(({ version, edges: count }) => (
            <li
              key={version}
              className="flex h-11 items-center justify-between gap-3 border-b border-line px-4 last:border-b-0"
            >
              <span className="font-mono text-[13px]">{version}</span>
              <PageLink href="/edges/" className="figures rounded-sm text-accent hover:underline">
                {t('system.edgesOf', { count: format.number(count) })}
              </PageLink>
            </li>
          ))}
        </ul>
      </Panel>
    </Section>
  )
}
