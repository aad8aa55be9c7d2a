'use client'

import type { Group } from '@gpt-load/contracts/api/group'
import { ChevronRight, CopyPlus, Ellipsis, Trash2 } from 'lucide-react'
import { PageLink } from '../../ui/page-link.tsx'
import { useRouter } from 'next/navigation'
import { parseAsInteger, parseAsString, useQueryStates } from 'nuqs'
import dynamic from 'next/dynamic'
import { useState, type ReactNode } from 'react'
import { toast } from 'sonner'
import { api, useApi, useChange } from '../../client/api.ts'
import { useText } from '../../i18n/locale.tsx'
import { Tag } from '../../ui/badge.tsx'
import { IconButton } from '../../ui/button.tsx'
import { CopyButton } from '../../ui/copy-button.tsx'
import { ConfirmByName } from '../../ui/confirm-by-name.tsx'
import { Menu } from '../../ui/menu.tsx'
import { Panel } from '../../ui/page.tsx'
import { describeError, ErrorState, SkeletonRows } from '../../ui/states.tsx'
import { Tabs, type TabItem } from '../../ui/tabs.tsx'
import { Toggle } from '../../ui/toggle.tsx'
import { KeysTab } from '../keys/keys-tab.tsx'
import { CapacityLine } from './capacity-line.tsx'
import { ConnectTab } from './connect-tab.tsx'
import { CopyGroup } from './copy-group.tsx'
import { DetailsTab } from './details-tab.tsx'
import { fileOwnerOf, ownerOfField } from './file-owner.ts'
import { GroupSettingsTab } from './group-settings-tab.tsx'
import { GroupState } from './groups-page.tsx'
import { ManagedTag } from './managed-field.tsx'
import { MembersTab } from './members-tab.tsx'
import { ObservedRules } from './observed-rules.tsx'
import { useProxyAddress } from './proxy-address.ts'
import { RulesTab } from './rules-tab.tsx'
import { UpstreamsTab } from './upstreams-tab.tsx'

const ExplainTab = dynamic(async () => (await import('../explain/explain-tab.tsx')).ExplainTab, { ssr: false })

export function GroupPage() {
  const [{ id }] = useQueryStates({ id: parseAsInteger.withDefault(0) })
  const query = useApi('GET /api/v1/groups/{id}', { params: { id } }, { refreshMs: 10_000 })
  if (query.data !== undefined && query.data.id === id) return <GroupView key={id} group={query.data} />
  return (
    <>
      <WayBack />
      <Panel>
        {query.error === null ? (
          <SkeletonRows rows={8} height={44} />
        ) : (
          <ErrorState error={query.error} onRetry={() => void query.refetch()} />
        )}
      </Panel>
    </>
  )
}

function WayBack({ children }: { children?: ReactNode }) {
  const { t } = useText()
  return (
    <nav aria-label={t('nav.path')} className="mb-1 flex items-center gap-1 text-[13px] text-ink-faint">
      <PageLink href="/groups/" className="rounded-sm hover:text-ink">
        {t('nav.groups')}
      </PageLink>
      {children}
    </nav>
  )
}

function GroupView({ group }: { group: Group }) {
  const { t, format } = useText()
  const isAggregate = group.kind === 'aggregate'
  const [{ tab }, setState] = useQueryStates(
    { tab: parseAsString.withDefault(isAggregate ? 'members' : 'keys') },
    { history: 'push' },
  )
  const items: TabItem[] = [
    ...(isAggregate
      ? [
          {
            value: 'members',
            label: t('tab.members'),
            count: format.number(group.members.length),
            content: () => <MembersTab group={group} />,
          },
        ]
      : [
          {
            value: 'keys',
            label: t('tab.keys'),
            count: format.compact(group.key_counts.total),
            content: () => <KeysTab group={group} />,
          },
          {
            value: 'upstreams',
            label: t('tab.upstreams'),
            count: format.number(group.upstreams.length),
            content: () => <UpstreamsTab group={group} />,
          },
        ]),
    { value: 'rules', label: t('tab.rules'), content: () => <RulesTab group={group} /> },
    { value: 'connect', label: t('tab.connect'), content: () => <ConnectTab group={group} /> },
    { value: 'explain', label: t('tab.explain'), content: () => <ExplainTab group={group} /> },
    { value: 'settings', label: t('tab.settings'), content: () => <GroupSettingsTab group={group} /> },
    { value: 'details', label: t('tab.details'), content: () => <DetailsTab group={group} /> },
  ]
  return (
    <>
      <GroupHeader group={group} />
      <Tabs
        value={items.some(({ value }) => value === tab) ? tab : items[0]!.value}
        // What belongs to the tab that is left goes with it.
        onChange={(value) => void setState({ tab: value })}
        items={items}
      />
    </>
  )
}

function GroupHeader({ group }: { group: Group }) {
  const { t } = useText()
  const router = useRouter()
  const address = useProxyAddress()
  const [isDeleting, setIsDeleting] = useState(false)
  const [isCopying, setIsCopying] = useState(false)
  const fail = (error: unknown): void => void toast.error(describeError(error, t))
  const target = { params: { id: group.id }, revision: group.revision }
  const switchOwner = ownerOfField(group, 'enabled')
  const enable = useChange((enabled: boolean) => api('PATCH /api/v1/groups/{id}', { ...target, body: { enabled } }), {
    onFailed: fail,
    onDone: () => {
      if (switchOwner !== null) toast.warning(t('managed.edit', { owner: switchOwner }))
    },
  })
  const remove = useChange(() => api('DELETE /api/v1/groups/{id}', target), {
    onFailed: fail,
    isLeaving: true,
    onDone: () => router.push('/groups/'),
  })
  return (
    <header className="mb-4">
      <WayBack>
        <ChevronRight aria-hidden className="size-3.5" />
        <span className="font-mono text-xs">{group.name}</span>
      </WayBack>
      <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
        <h1 className="text-xl font-semibold tracking-tight break-words">{group.display_name || group.name}</h1>
        <Tag>{group.channel}</Tag>
        {group.kind === 'aggregate' && <Tag>{t('groups.aggregate')}</Tag>}
        <ManagedTag owner={fileOwnerOf(group)} />
        <span className="flex items-center gap-3 sm:ml-auto">
          <GroupState group={group} />
          <Toggle
            label={t('groups.enabled')}
            isOn={group.enabled}
            isDisabled={enable.isPending}
            onChange={(isOn) => enable.mutate(isOn)}
          />
          <Menu
            trigger={
              <IconButton label={t('common.more')}>
                <Ellipsis aria-hidden className="size-4" />
              </IconButton>
            }
            items={[
              {
                label: t('groups.copy'),
                icon: <CopyPlus aria-hidden className="size-4" />,
                onSelect: () => setIsCopying(true),
              },
              'line',
              {
                label: t('groups.delete'),
                icon: <Trash2 aria-hidden className="size-4" />,
                isDanger: true,
                onSelect: () => setIsDeleting(true),
              },
            ]}
          />
        </span>
      </div>
      <div className="mt-1 flex min-w-0 items-center gap-1">
        <code className="truncate font-mono text-[13px] text-ink-soft">{address.of(group)}</code>
        <CopyButton text={address.of(group)} label={t('copy.endpoint', { name: group.name })} />
      </div>
      {group.kind !== 'aggregate' && <CapacityLine groupId={group.id} />}
      {group.kind !== 'aggregate' && <ObservedRules group={group} />}
      {isCopying && <CopyGroup group={group} onClose={() => setIsCopying(false)} />}
      {isDeleting && (
        <ConfirmByName
          title={t('groups.delete')}
          description={t('groups.deleteText', { keys: group.key_counts.total })}
          name={group.name}
          action={t('groups.delete')}
          isBusy={remove.isPending}
          onConfirm={() => remove.mutate(undefined)}
          onClose={() => setIsDeleting(false)}
        />
      )}
    </header>
  )
}
