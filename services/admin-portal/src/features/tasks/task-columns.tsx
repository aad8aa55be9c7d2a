'use client'

import type { Task } from '@gpt-load/contracts/api/task'
import { isTaskOver } from '@gpt-load/contracts/task-state'
import { useText } from '../../i18n/locale.tsx'
import { groupHref } from '../../shell/navigation.ts'
import { StateMark } from '../../ui/badge.tsx'
import type { Column } from '../../ui/table-columns.ts'
import { PageLink } from '../../ui/page-link.tsx'
import { ProgressBar } from '../../ui/progress-bar.tsx'
import { TimeButton } from '../../ui/time-button.tsx'
import { useGroupNames } from '../groups/use-group-names.ts'
import { shareOf, toneOf, useTaskText } from './task-text.ts'

export function useTaskColumns(onOpen: (id: number) => void): Column<Task>[] {
  const { t } = useText()
  const text = useTaskText()
  const nameOf = useGroupNames()
  return [
    {
      id: 'created',
      header: t('tasks.created'),
      isFixed: true,
      width: '168px',
      narrowWidth: '146px',
      cell: ({ id, created_at: at }) => <TimeButton at={at} onOpen={() => onOpen(id)} />,
    },
    {
      id: 'kind',
      header: t('tasks.kind'),
      width: '112px',
      cell: ({ kind }) => <span className="font-medium">{t(`tasks.kind.${kind}`)}</span>,
    },
    {
      id: 'group',
      header: t('tasks.group'),
      from: 'sm',
      cell: ({ group_id: group, to_group_id: to }) => (
        <span className="flex min-w-0 items-center gap-1.5">
          <PageLink href={groupHref(group)} className="truncate rounded-sm hover:text-accent hover:underline">
            {nameOf(group)}
          </PageLink>
          {to !== null && (
            <>
              <span aria-hidden className="text-ink-faint">
                →
              </span>
              <PageLink href={groupHref(to)} className="truncate rounded-sm hover:text-accent hover:underline">
                {nameOf(to)}
              </PageLink>
            </>
          )}
        </span>
      ),
    },
    {
      id: 'state',
      header: t('tasks.state'),
      width: '132px',
      from: 'sm',
      cell: (task) => <StateMark tone={toneOf(task)}>{text.state(task)}</StateMark>,
    },
    {
      id: 'result',
      header: t('tasks.result'),
      width: '30%',
      cell: (task) => (
        <span className="grid gap-1.5">
          <span className="figures truncate">{isTaskOver(task) ? text.result(task) : text.progress(task)}</span>
          {!isTaskOver(task) && <ProgressBar label={t('tasks.open', { id: task.id })} share={shareOf(task)} />}
        </span>
      ),
    },
    {
      id: 'by',
      header: t('tasks.by'),
      width: '140px',
      from: 'lg',
      cell: ({ created_by: by }) => <span className="text-ink-faint">{by}</span>,
    },
  ]
}
