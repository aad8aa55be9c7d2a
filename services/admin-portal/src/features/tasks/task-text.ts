'use client'

import type { Task } from '@gpt-load/contracts/api/task'
import { isTaskOver } from '@gpt-load/contracts/task-state'
import { useText } from '../../i18n/locale.tsx'
import type { PlainKey } from '../../i18n/messages.ts'
import type { Tone } from '../../ui/badge.tsx'

/** While it runs it is asked for again and again. */
export const runningMs = 1_000

export function refreshOf(task: Pick<Task, 'state'> | undefined): number | false {
  return task !== undefined && isTaskOver(task) ? false : runningMs
}

/** null = nobody knows how much there is. */
export function shareOf({ state, total, processed }: Task): number | null {
  if (state === 'succeeded') return 1
  if (state === 'receiving' || total === null) return null
  return total === 0 ? 0 : processed / total
}

export function toneOf({ state, failed }: Pick<Task, 'state' | 'failed'>): Tone {
  if (state === 'succeeded') return failed > 0 ? 'warn' : 'good'
  if (state === 'failed') return 'bad'
  return 'idle'
}

/** What became of the keys, in the words of the task's kind. */
export function useTaskText() {
  const { t, format } = useText()
  const skipped = (kind: Task['kind']): PlainKey =>
    kind === 'import' || kind === 'validate' || kind === 'copy' || kind === 'export'
      ? `tasks.skipped.${kind}`
      : 'tasks.skipped.other'
  const failed = (kind: Task['kind']): PlainKey =>
    kind === 'import' || kind === 'validate' ? `tasks.failed.${kind}` : 'tasks.failed.other'
  const figures = (task: Task) =>
    [
      [t(`tasks.done.${task.kind}`), format.number(task.succeeded), false],
      [t(skipped(task.kind)), format.number(task.skipped), false],
      [t(failed(task.kind)), format.number(task.failed), task.failed > 0],
    ] as const
  return {
    figures,
    state: (task: Task) =>
      t(task.cancel_requested && !isTaskOver(task) ? 'tasks.state.cancelling' : `tasks.state.${task.state}`),
    progress: ({ processed, total }: Task) =>
      total === null
        ? t('tasks.soFar', { done: format.number(processed) })
        : t('tasks.of', { done: format.number(processed), total: format.number(total) }),
    /** One line; what did not happen is left out. */
    result: (task: Task) =>
      figures(task)
        .filter(([, value], index) => index === 0 || value !== '0')
        .map(([name, value]) => `${name} ${value}`)
        .join(' · '),
  }
}
