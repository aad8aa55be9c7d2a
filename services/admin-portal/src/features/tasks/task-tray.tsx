'use client'

import type { Task } from '@gpt-load/contracts/api/task'
import { isTaskOver } from '@gpt-load/contracts/task-state'
import { useQueryClient } from '@tanstack/react-query'
import { X } from 'lucide-react'
import { useEffect, useRef } from 'react'
import { useApi } from '../../client/api.ts'
import { useText } from '../../i18n/locale.tsx'
import { IconButton } from '../../ui/button.tsx'
import { PageLink } from '../../ui/page-link.tsx'
import { ProgressBar } from '../../ui/progress-bar.tsx'
import { useGroupNames } from '../groups/use-group-names.ts'
import { useCancelTask } from './cancel-task.ts'
import { dismissTask, useKnownTasks, type Upload } from './task-store.ts'
import { refreshOf, runningMs, shareOf, toneOf, useTaskText } from './task-text.ts'

const idleMs = 10_000
const shown = 3

/** Whose tasks ever: what runs is seen from every page. */
export function useRunningTasks(): Task[] {
  const { data } = useApi(
    'GET /api/v1/tasks',
    { query: { state: ['receiving', 'queued', 'running'], limit: 20 } },
    { refreshMs: (page) => (page === undefined || page.items.length > 0 ? runningMs : idleMs) },
  )
  return data?.items ?? []
}

/** What runs, and what this tab has started until its end was seen. */
export function TaskTray() {
  const { t } = useText()
  const { watched, uploads } = useKnownTasks()
  const running = useRunningTasks()
  const others = running.filter(({ id, state }) => !watched.includes(id) && state !== 'receiving')
  const hasAny = watched.length + uploads.length + others.length > 0
  const nameOf = useGroupNames(hasAny)
  if (!hasAny) return null
  return (
    <section aria-label={t('tasks.running')} className="rounded-lg border border-line bg-surface px-2.5 py-2">
      <ul className="grid grid-cols-1 gap-2.5">
        {uploads.map((upload) => (
          <UploadItem key={`upload-${upload.id}`} upload={upload} groupName={nameOf(upload.groupId)} />
        ))}
        {watched.slice(0, shown).map((id) => (
          <WatchedTask key={id} id={id} nameOf={nameOf} />
        ))}
        {others.slice(0, shown).map((task) => (
          <TaskItem key={task.id} task={task} groupName={nameOf(task.group_id)} />
        ))}
      </ul>
      <PageLink href="/tasks/" className="mt-2 inline-block rounded-sm text-xs text-accent hover:underline">
        {t('tasks.all')}
      </PageLink>
    </section>
  )
}

function WatchedTask({ id, nameOf }: { id: number; nameOf: (id: number) => string }) {
  const client = useQueryClient()
  const { data, error } = useApi('GET /api/v1/tasks/{id}', { params: { id } }, { refreshMs: refreshOf })
  const wasRunning = useRef(false)
  const hasEnded = data !== undefined && isTaskOver(data)
  useEffect(() => {
    if (error !== null) dismissTask(id)
    if (hasEnded && wasRunning.current) void client.invalidateQueries()
    wasRunning.current = !hasEnded
  }, [client, error, hasEnded, id])
  return data === undefined ? null : <TaskItem task={data} groupName={nameOf(data.group_id)} />
}

function TaskItem({ task, groupName }: { task: Task; groupName: string }) {
  const { t, format } = useText()
  const text = useTaskText()
  const cancel = useCancelTask()
  const name = `${t(`tasks.kind.${task.kind}`)} · ${groupName}`
  const share = shareOf(task)
  const hasEnded = isTaskOver(task)
  const note = hasEnded
    ? text.state(task)
    : share === null || task.cancel_requested
      ? text.state(task)
      : format.percent(Math.floor(share * 100) / 100)
  return (
    <TrayRow
      name={name}
      href={`/tasks/?task=${task.id}`}
      note={note}
      share={hasEnded ? 1 : share}
      tone={hasEnded ? endTones[toneOf(task)] : 'accent'}
      foot={hasEnded ? (task.error ?? text.result(task)) : text.progress(task)}
      closeLabel={t(hasEnded ? 'tasks.dismiss' : 'tasks.cancelOf', { task: name })}
      onClose={() => (hasEnded ? dismissTask(task.id) : cancel.mutate(task.id))}
      canClose={hasEnded || !task.cancel_requested}
    />
  )
}

const endTones = { good: 'good', warn: 'good', bad: 'bad', idle: 'idle' } as const

function UploadItem({ upload, groupName }: { upload: Upload; groupName: string }) {
  const { t, format } = useText()
  const name = `${t('tasks.kind.import')} · ${groupName}`
  return (
    <TrayRow
      name={name}
      note={t('tasks.uploading')}
      share={upload.totalBytes === 0 ? null : upload.sentBytes / upload.totalBytes}
      tone="accent"
      foot={t('tasks.of', { done: format.bytes(upload.sentBytes), total: format.bytes(upload.totalBytes) })}
      closeLabel={t('tasks.cancelOf', { task: name })}
      onClose={upload.cancel}
      canClose
    />
  )
}

function TrayRow(props: {
  name: string
  href?: string
  note: string
  share: number | null
  tone: 'accent' | 'good' | 'bad' | 'idle'
  foot: string
  closeLabel: string
  onClose: () => void
  canClose: boolean
}) {
  const { name, href, canClose } = props
  return (
    <li className="text-xs">
      <div className="flex items-center gap-1">
        {href === undefined ? (
          <span className="min-w-0 flex-1 truncate">{name}</span>
        ) : (
          <PageLink href={href} title={name} className="min-w-0 flex-1 truncate rounded-sm hover:text-accent">
            {name}
          </PageLink>
        )}
        <span className="figures shrink-0 text-ink-faint">{props.note}</span>
        <IconButton
          label={props.closeLabel}
          disabled={!canClose}
          className={`-mr-1 size-5! ${canClose ? '' : 'invisible'}`}
          onClick={props.onClose}
        >
          <X aria-hidden className="size-3" />
        </IconButton>
      </div>
      <div className="mt-1">
        <ProgressBar label={name} share={props.share} tone={props.tone} />
      </div>
      <p className="figures mt-0.5 truncate text-ink-faint" title={props.foot}>
        {props.foot}
      </p>
    </li>
  )
}
