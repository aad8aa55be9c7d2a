'use client'

import type { TaskDetail } from '@gpt-load/contracts/api/task'
import { isTaskOver } from '@gpt-load/contracts/task-state'
import { CircleStop } from 'lucide-react'
import { useApi } from '../../client/api.ts'
import { useNow } from '../../client/use-now.ts'
import { useText } from '../../i18n/locale.tsx'
import { groupHref } from '../../shell/navigation.ts'
import { Button } from '../../ui/button.tsx'
import { Drawer } from '../../ui/drawer.tsx'
import { DateTime } from '../../ui/moment.tsx'
import { Facts } from '../../ui/page.tsx'
import { PageLink } from '../../ui/page-link.tsx'
import { ErrorState, SkeletonRows } from '../../ui/states.tsx'
import { useGroupNames } from '../groups/use-group-names.ts'
import { useCancelTask } from './cancel-task.ts'
import { TaskFile } from './task-file.tsx'
import { TaskReport } from './task-report.tsx'
import { refreshOf } from './task-text.ts'

export function TaskDrawer({ id, onClose }: { id: number; onClose: () => void }) {
  const { t } = useText()
  const query = useApi('GET /api/v1/tasks/{id}', { params: { id } }, { refreshMs: refreshOf })
  const cancel = useCancelTask()
  const task = query.data?.id === id ? query.data : undefined
  const canCancel = task !== undefined && !isTaskOver(task) && !task.cancel_requested
  return (
    <Drawer
      title={task === undefined ? t('tasks.open', { id }) : `${t(`tasks.kind.${task.kind}`)} #${task.id}`}
      onClose={onClose}
      actions={
        canCancel ? (
          <Button kind="danger" size="small" isBusy={cancel.isPending} onClick={() => cancel.mutate(id)}>
            <CircleStop aria-hidden className="size-4" />
            {t('tasks.cancel')}
          </Button>
        ) : undefined
      }
    >
      {task !== undefined ? (
        <Detail task={task} />
      ) : query.error === null ? (
        <SkeletonRows rows={6} height={44} />
      ) : (
        <ErrorState error={query.error} onRetry={() => void query.refetch()} />
      )}
    </Drawer>
  )
}

function Detail({ task }: { task: TaskDetail }) {
  const { t, format } = useText()
  const nameOf = useGroupNames()
  const now = useNow()
  const groupLink = (id: number) => (
    <PageLink key={id} href={groupHref(id)} className="text-accent hover:underline">
      {nameOf(id)}
    </PageLink>
  )
  const instant = (at: string | null) => (at === null ? '–' : <DateTime key={at} at={at} />)
  const ranMs =
    task.started_at === null
      ? 0
      : (task.finished_at === null ? now : Date.parse(task.finished_at)) - Date.parse(task.started_at)
  return (
    <>
      <TaskReport task={task} />
      <TaskFile task={task} />
      <div className="mt-6 border-t border-line pt-4">
        <Facts
          items={[
            [t('tasks.group'), groupLink(task.group_id)],
            ...(task.to_group_id === null ? [] : [[t('tasks.to'), groupLink(task.to_group_id)] as const]),
            [t('tasks.by'), task.created_by],
            [t('tasks.created'), instant(task.created_at)],
            [t('tasks.started'), instant(task.started_at)],
            [t('tasks.finished'), instant(task.finished_at)],
            [t('tasks.duration'), ranMs <= 0 ? '–' : format.milliseconds(ranMs)],
            [t('tasks.rate'), ranMs <= 0 ? '–' : format.number(Math.round(task.processed / (ranMs / 1_000)))],
            ...(task.output_until === null ? [] : [[t('tasks.fileUntil'), instant(task.output_until)] as const]),
            [t('edges.revision'), task.revision === null ? '–' : format.number(task.revision)],
          ]}
        />
      </div>
    </>
  )
}
