'use client'

import type { StatsOverview } from '@gpt-load/contracts/api/stats'
import { useText } from '../../i18n/locale.tsx'
import { groupHref } from '../../shell/navigation.ts'
import { Panel } from '../../ui/page.tsx'
import { PageLink } from '../../ui/page-link.tsx'
import { KeyHealthBar } from '../groups/key-health.tsx'

type Entry = StatsOverview['by_group'][number]

const shown = 8

/** The groups whose keys are worst off come first: what needs a person is on top. */
export function GroupsAtWork({ overview }: { overview: StatsOverview }) {
  const { t, format } = useText()
  const groups = overview.by_group
    .filter(({ kind, enabled, key_counts: counts }) => kind === 'standard' && enabled && counts.total > 0)
    .toSorted((one, other) => usableShare(one) - usableShare(other))
    .slice(0, shown)
  if (groups.length === 0) return null
  return (
    <section>
      <div className="mb-2 flex items-baseline justify-between">
        <h2 className="text-[15px] font-semibold">{t('overview.groups')}</h2>
        <PageLink href="/groups/" className="text-accent hover:underline">
          {t('overview.allGroups', { count: format.number(overview.groups.total) })}
        </PageLink>
      </div>
      <Panel>
        <ul>
          {groups.map((group) => (
            <li
              key={group.id}
              className="flex h-11 items-center gap-4 border-b border-line px-4 last:border-b-0 hover:bg-sunken"
            >
              <PageLink
                href={groupHref(group.id)}
                className="min-w-0 flex-1 truncate rounded-sm font-medium hover:text-accent"
              >
                {group.display_name || group.name}
              </PageLink>
              <span className="w-24 sm:w-64">
                <KeyHealthBar counts={group.key_counts} />
              </span>
              <span className="figures w-28 text-right">
                {format.number(group.key_counts.active)}
                <span className="text-ink-faint"> / {format.number(group.key_counts.total)}</span>
              </span>
            </li>
          ))}
        </ul>
      </Panel>
    </section>
  )
}

function usableShare({ key_counts: counts }: Entry): number {
  return counts.active / counts.total
}
