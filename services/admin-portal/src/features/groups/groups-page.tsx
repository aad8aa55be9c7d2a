'use client'

import type { Group } from '@gpt-load/contracts/api/group'
import { channelTypes } from '@gpt-load/contracts/channel-types'
import { ArrowDownUp, ListTree, Plus } from 'lucide-react'
import dynamic from 'next/dynamic'
import { PageLink } from '../../ui/page-link.tsx'
import { parseAsBoolean, parseAsString, parseAsStringLiteral, useQueryStates } from 'nuqs'
import { useCallback } from 'react'
import { useApiList } from '../../client/api.ts'
import { useText } from '../../i18n/locale.tsx'
import { groupHref } from '../../shell/navigation.ts'
import { StateMark, Tag } from '../../ui/badge.tsx'
import { Button } from '../../ui/button.tsx'
import { CopyButton } from '../../ui/copy-button.tsx'
import { DataTable } from '../../ui/data-table.tsx'
import type { Column } from '../../ui/table-columns.ts'
import { rowsOf } from '../../ui/rows-of.ts'
import { Select } from '../../ui/field.tsx'
import { Moment } from '../../ui/moment.tsx'
import { NothingFound } from '../../ui/nothing-found.tsx'
import { PageHeader } from '../../ui/page.tsx'
import { SearchField } from '../../ui/search-field.tsx'
import { EmptyState } from '../../ui/states.tsx'
import { KeyHealthBar } from './key-health.tsx'
import { useProxyAddress } from './proxy-address.ts'

const CreateGroup = dynamic(async () => (await import('./create-group.tsx')).CreateGroup, { ssr: false })

const OrderGroups = dynamic(async () => (await import('./order-groups.tsx')).OrderGroups, { ssr: false })

const filters = {
  search: parseAsString.withDefault(''),
  channel: parseAsStringLiteral(channelTypes),
  create: parseAsBoolean.withDefault(false),
  order: parseAsBoolean.withDefault(false),
}

export function GroupsPage() {
  const { t } = useText()
  const [{ search, channel, create, order }, setState] = useQueryStates(filters, { history: 'push' })
  const list = useApiList(
    'GET /api/v1/groups',
    { query: { search, channel: channel ?? undefined } },
    { refreshMs: 15_000 },
  )
  const columns = useColumns()
  const setSearch = useCallback((value: string) => void setState({ search: value }, { history: 'replace' }), [setState])
  const isFiltered = search !== '' || channel !== null
  const createButton = (
    <Button kind="primary" onClick={() => void setState({ create: true })}>
      <Plus aria-hidden className="size-4" />
      {t('groups.create')}
    </Button>
  )
  return (
    <>
      <PageHeader
        title={t('nav.groups')}
        description={t('groups.about')}
        actions={
          <>
            {list.items.length > 1 && (
              <Button onClick={() => void setState({ order: true })}>
                <ArrowDownUp aria-hidden className="size-4" />
                {t('groups.reorder')}
              </Button>
            )}
            {createButton}
          </>
        }
      />
      <DataTable
        label={t('nav.groups')}
        name="groups"
        toolbar={
          <>
            <SearchField label={t('groups.search')} value={search} onChange={setSearch} />
            <Select
              aria-label={t('groups.channel')}
              className="w-auto!"
              value={channel ?? ''}
              onChange={(event) =>
                void setState({ channel: channelTypes.find((each) => each === event.target.value) ?? null })
              }
            >
              <option value="">{t('groups.allChannels')}</option>
              {channelTypes.map((each) => (
                <option key={each}>{each}</option>
              ))}
            </Select>
          </>
        }
        columns={columns}
        {...rowsOf(list)}
        rowKey={({ id }) => id}
        rowHeight={52}
        empty={
          isFiltered ? (
            <NothingFound onClear={() => void setState({ search: '', channel: null })} />
          ) : (
            <EmptyState
              icon={<ListTree aria-hidden className="size-5" />}
              title={t('groups.emptyTitle')}
              text={t('groups.emptyText')}
              action={createButton}
            />
          )
        }
      />
      {order && <OrderGroups onClose={() => void setState({ order: null })} />}
      {create && <CreateGroup onClose={() => void setState({ create: null })} />}
    </>
  )
}

function useColumns(): Column<Group>[] {
  const { t, format } = useText()
  const address = useProxyAddress()
  return [
    {
      id: 'name',
      header: t('groups.name'),
      isFixed: true,
      cell: (group) => (
        <PageLink href={groupHref(group.id)} className="block rounded-sm hover:text-accent">
          <span className="block truncate font-medium">{group.display_name || group.name}</span>
          <span className="block truncate text-xs text-ink-faint">
            {group.description || (group.display_name === '' ? '' : group.name)}
          </span>
        </PageLink>
      ),
    },
    {
      id: 'channel',
      header: t('groups.channel'),
      width: '132px',
      from: 'sm',
      cell: (group) => <Tag>{group.kind === 'aggregate' ? t('groups.aggregate') : group.channel}</Tag>,
    },
    {
      id: 'endpoint',
      header: t('groups.endpoint'),
      width: '30%',
      from: 'lg',
      cell: (group) => (
        <span className="flex items-center gap-1">
          <span className="truncate font-mono text-[12.5px] text-ink-soft">{address.of(group)}</span>
          <CopyButton text={address.of(group)} label={t('copy.endpoint', { name: group.name })} />
        </span>
      ),
    },
    {
      id: 'keys',
      header: t('groups.keys'),
      width: '150px',
      cell: (group) =>
        group.kind === 'aggregate' ? (
          <span className="figures text-ink-soft">
            {t('groups.members', { count: format.number(group.members.length) })}
          </span>
        ) : (
          <span className="grid gap-1">
            <span className="figures">
              {format.number(group.key_counts.active)}
              <span className="text-ink-faint"> / {format.number(group.key_counts.total)}</span>
            </span>
            <KeyHealthBar counts={group.key_counts} />
          </span>
        ),
    },
    {
      id: 'state',
      header: t('groups.state'),
      width: '112px',
      from: 'sm',
      cell: (group) => <GroupState group={group} />,
    },
    {
      id: 'upstreams',
      header: t('tab.upstreams'),
      width: '220px',
      isExtra: true,
      cell: ({ upstreams }) => (
        <span className="truncate text-ink-soft" title={upstreams.map(({ url }) => url).join('\n')}>
          {upstreams[0]?.url ?? '–'}
          {upstreams.length > 1 && <span className="text-ink-faint"> +{format.number(upstreams.length - 1)}</span>}
        </span>
      ),
    },
    {
      id: 'owner',
      header: t('keys.managedBy'),
      width: '150px',
      isExtra: true,
      cell: ({ managed_by: owner }) => owner ?? <span className="text-ink-faint">–</span>,
    },
    {
      id: 'changed',
      header: t('groups.updated'),
      width: '130px',
      isExtra: true,
      cell: ({ updated_at: at }) => <Moment at={at} />,
    },
  ]
}

/** What a caller would meet there. */
export function GroupState({ group }: { group: Group }) {
  const { t } = useText()
  if (!group.enabled) return <StateMark tone="idle">{t('groups.isOff')}</StateMark>
  const hasTargets =
    group.kind === 'aggregate' ? group.members.some(({ weight }) => weight > 0) : group.key_counts.total > 0
  if (!hasTargets)
    return <StateMark tone="warn">{t(group.kind === 'aggregate' ? 'groups.noMembers' : 'groups.noKeys')}</StateMark>
  if (group.kind === 'standard' && group.key_counts.active === 0)
    return <StateMark tone="bad">{t('groups.allOut')}</StateMark>
  return <StateMark tone="good">{t('groups.isServing')}</StateMark>
}
