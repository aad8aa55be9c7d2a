'use client'

import type { Key, ListedKey } from '@gpt-load/contracts/api/key'
import { Ban, CircleCheck, Ellipsis, FlaskConical, RotateCcw, Trash2 } from 'lucide-react'
import { useText } from '../../i18n/locale.tsx'
import { IconButton } from '../../ui/button.tsx'
import type { Column } from '../../ui/table-columns.ts'
import { Menu, type MenuItem } from '../../ui/menu.tsx'
import { Moment } from '../../ui/moment.tsx'
import { StateMark } from '../../ui/badge.tsx'
import type { KeyAction } from './key-actions.ts'
import { KeyStateCell } from './key-state-cell.tsx'
import { KeyUsageCell } from './key-usage.tsx'

export type OnKeyAction = (action: KeyAction, key: Key) => void

export function useKeyColumns(props: { onAction: OnKeyAction; onOpen: (id: number) => void }): Column<ListedKey>[] {
  const { t, format } = useText()
  const { onAction, onOpen } = props
  return [
    {
      id: 'key',
      header: t('keys.key'),
      isFixed: true,
      cell: ({ id, hint, note }) => (
        <button
          type="button"
          onClick={() => onOpen(id)}
          className="block max-w-full rounded-sm text-left hover:text-accent"
        >
          <span className="block truncate font-mono text-[13px]">
            {hint}
            {/* Keys of one account often begin and end alike. */}
            <span className="text-ink-faint max-sm:block"> #{id}</span>
          </span>
          {note !== '' && <span className="block truncate text-xs text-ink-faint">{note}</span>}
        </button>
      ),
    },
    {
      id: 'state',
      header: t('keys.state'),
      width: '26%',
      narrowWidth: '42%',
      cell: (key) => <KeyStateCell item={key} />,
    },
    {
      id: 'failures',
      header: t('keys.failures'),
      width: '84px',
      isNumber: true,
      from: 'md',
      cell: ({ failures }) => <span className={failures === 0 ? 'text-ink-faint' : ''}>{format.number(failures)}</span>,
    },
    {
      id: 'probe',
      header: t('keys.lastProbe'),
      width: '150px',
      from: 'md',
      cell: ({ last_probe: probe, next_probe_at: next }) => (
        <span className="block leading-tight">
          {probe === null ? (
            <span className="text-ink-faint">–</span>
          ) : (
            <StateMark tone={probe.ok ? 'good' : 'bad'}>
              <Moment at={probe.at} />
            </StateMark>
          )}
          {next !== null && (
            <span className="mt-0.5 block text-xs text-ink-faint">
              {t('keys.nextProbe')} <Moment at={next} />
            </span>
          )}
        </span>
      ),
    },
    {
      id: 'used',
      header: t('keys.lastUsed'),
      width: '150px',
      from: 'lg',
      cell: ({ usage }) => <KeyUsageCell usage={usage} />,
    },
    {
      id: 'changed',
      header: t('keys.changed'),
      width: '120px',
      from: 'lg',
      cell: ({ updated_at: at }) => (
        <span className="text-ink-faint">
          <Moment at={at} />
        </span>
      ),
    },
    {
      id: 'weight',
      header: t('keys.weight'),
      width: '84px',
      isNumber: true,
      isExtra: true,
      cell: ({ weight }) => format.number(weight),
    },
    {
      id: 'created',
      header: t('keys.since'),
      width: '120px',
      isExtra: true,
      cell: ({ created_at: at }) => <Moment at={at} />,
    },
    {
      id: 'owner',
      header: t('keys.managedBy'),
      width: '140px',
      isExtra: true,
      cell: ({ managed_by: owner }) => owner ?? <span className="text-ink-faint">–</span>,
    },
    {
      id: 'actions',
      header: <span className="sr-only">{t('common.actions')}</span>,
      width: '56px',
      cell: (key) => <KeyMenu item={key} onAction={onAction} />,
    },
  ]
}

function KeyMenu({ item, onAction }: { item: Key; onAction: OnKeyAction }) {
  const { t } = useText()
  const items = actionsFor(item).map((action): MenuItem => ({
    label: t(`keys.action.${action}`),
    icon: keyActionIcons[action],
    isDanger: action === 'delete',
    onSelect: () => onAction(action, item),
  }))
  return (
    <Menu
      trigger={
        <IconButton label={t('keys.actionsOf', { hint: item.hint })}>
          <Ellipsis aria-hidden className="size-4" />
        </IconButton>
      }
      items={[...items.slice(0, -1), 'line', ...items.slice(-1)]}
    />
  )
}

/** What makes sense for a key as it is; deleting comes last. */
export function actionsFor({ state, failures }: Key): KeyAction[] {
  if (state === 'disabled') return ['enable', 'delete']
  const canRestore = state !== 'active' || failures > 0
  return ['test', ...(canRestore ? (['restore'] as const) : []), 'disable', 'delete']
}

export const keyActionIcons = {
  test: <FlaskConical aria-hidden className="size-4" />,
  restore: <RotateCcw aria-hidden className="size-4" />,
  enable: <CircleCheck aria-hidden className="size-4" />,
  disable: <Ban aria-hidden className="size-4" />,
  delete: <Trash2 aria-hidden className="size-4" />,
} as const
