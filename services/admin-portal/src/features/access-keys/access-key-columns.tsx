'use client'

import { accessKeyLimitNames } from '@gpt-load/contracts/access-key-limits'
import type { AccessKey } from '@gpt-load/contracts/api/access-key'
import type { Group } from '@gpt-load/contracts/api/group'
import { Ban, CircleCheck, Ellipsis, Pencil, Trash2 } from 'lucide-react'
import { useNow } from '../../client/use-now.ts'
import { useText } from '../../i18n/locale.tsx'
import { StateMark, Tag } from '../../ui/badge.tsx'
import { IconButton } from '../../ui/button.tsx'
import type { Column } from '../../ui/table-columns.ts'
import { Menu } from '../../ui/menu.tsx'
import { Moment } from '../../ui/moment.tsx'

/** Group names that fit beside each other; the rest is a number. */
const namesShown = 3

export function useAccessKeyColumns(props: {
  groups: readonly Group[]
  onEdit: (item: AccessKey) => void
  onToggle: (item: AccessKey) => void
  onDelete: (item: AccessKey) => void
}): Column<AccessKey>[] {
  const { t } = useText()
  const { groups, onEdit, onToggle, onDelete } = props
  return [
    {
      id: 'name',
      header: t('accessKeys.name'),
      isFixed: true,
      cell: (item) => (
        <button
          type="button"
          onClick={() => onEdit(item)}
          className="block max-w-full rounded-sm text-left hover:text-accent"
        >
          <span className="block truncate font-medium">{item.name}</span>
          <span className="block truncate text-xs text-ink-faint">
            <span className="font-mono">{item.hint}</span>
            {item.managed_by !== null && <> · {t('managed.by', { owner: item.managed_by })}</>}
          </span>
        </button>
      ),
    },
    {
      id: 'groups',
      header: t('accessKeys.opens'),
      width: '30%',
      from: 'sm',
      cell: (item) => <OpenGroups item={item} groups={groups} />,
    },
    { id: 'state', header: t('accessKeys.state'), width: '150px', cell: (item) => <AccessKeyState item={item} /> },
    {
      id: 'limits',
      header: t('accessKeys.limits'),
      width: '180px',
      from: 'lg',
      cell: (item) => <Limits item={item} />,
    },
    {
      id: 'created',
      header: t('accessKeys.created'),
      width: '120px',
      from: 'xl',
      cell: ({ created_at: at }) => (
        <span className="text-ink-faint">
          <Moment at={at} />
        </span>
      ),
    },
    {
      id: 'actions',
      header: <span className="sr-only">{t('common.actions')}</span>,
      width: '56px',
      cell: (item) => (
        <Menu
          trigger={
            <IconButton label={t('keys.actionsOf', { hint: item.name })}>
              <Ellipsis aria-hidden className="size-4" />
            </IconButton>
          }
          items={[
            { label: t('common.edit'), icon: <Pencil aria-hidden className="size-4" />, onSelect: () => onEdit(item) },
            item.enabled
              ? {
                  label: t('keys.action.disable'),
                  icon: <Ban aria-hidden className="size-4" />,
                  onSelect: () => onToggle(item),
                }
              : {
                  label: t('keys.action.enable'),
                  icon: <CircleCheck aria-hidden className="size-4" />,
                  onSelect: () => onToggle(item),
                },
            'line',
            {
              label: t('accessKeys.delete'),
              icon: <Trash2 aria-hidden className="size-4" />,
              isDanger: true,
              onSelect: () => onDelete(item),
            },
          ]}
        />
      ),
    },
  ]
}

function OpenGroups({ item, groups }: { item: AccessKey; groups: readonly Group[] }) {
  const { t, format } = useText()
  if (item.all_groups) return <Tag>{t('accessKeys.allGroups')}</Tag>
  if (item.group_ids.length === 0) return <span className="text-ink-faint">{t('accessKeys.noGroups')}</span>
  const names = item.group_ids
    .slice(0, namesShown)
    .map((id) => groups.find((group) => group.id === id)?.name ?? `#${id}`)
  const more = item.group_ids.length - names.length
  return (
    <span className="flex gap-1">
      {names.map((name) => (
        <Tag key={name}>{name}</Tag>
      ))}
      {more > 0 && <span className="figures text-ink-faint">+{format.number(more)}</span>}
    </span>
  )
}

/** A row has two lines: none of them ends within a limit. */
function Limits({ item }: { item: AccessKey }) {
  const { t, format } = useText()
  const texts = accessKeyLimitNames
    .filter((limit) => item[limit] > 0)
    .map((limit) => t(`accessKeys.limitOf.${limit}`, { count: format.number(item[limit]) }).replaceAll(' ', '\u{a0}'))
  if (texts.length === 0) return <span className="text-ink-faint">–</span>
  const text = texts.join(' · ')
  return (
    <span className="figures line-clamp-2 text-[13px] leading-tight whitespace-normal" title={text}>
      {text}
    </span>
  )
}

function AccessKeyState({ item }: { item: AccessKey }) {
  const { t } = useText()
  const now = useNow()
  if (!item.enabled) return <StateMark tone="idle">{t('state.disabled')}</StateMark>
  if (item.expires_at === null) return <StateMark tone="good">{t('state.active')}</StateMark>
  if (Date.parse(item.expires_at) <= now) return <StateMark tone="bad">{t('accessKeys.expired')}</StateMark>
  return (
    <span className="block leading-tight">
      <StateMark tone="good">{t('state.active')}</StateMark>
      <span className="mt-0.5 block pl-3.5 text-xs text-ink-faint">
        {t('accessKeys.expires')} <Moment at={item.expires_at} />
      </span>
    </span>
  )
}
