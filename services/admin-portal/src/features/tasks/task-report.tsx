'use client'

import type { TaskDetail, TaskProblem } from '@gpt-load/contracts/api/task'
import { isTaskOver } from '@gpt-load/contracts/task-state'
import { useVirtualizer } from '@tanstack/react-virtual'
import { useRef } from 'react'
import { useText } from '../../i18n/locale.tsx'
import { groupHref } from '../../shell/navigation.ts'
import { StateMark } from '../../ui/badge.tsx'
import { Figures } from '../../ui/figures.tsx'
import { PageLink } from '../../ui/page-link.tsx'
import { ProgressBar } from '../../ui/progress-bar.tsx'
import { shareOf, toneOf, useTaskText } from './task-text.ts'

/** How far a task is, what became of the keys, and which made a problem: while it runs, and for good when it has ended. */
export function TaskReport({ task }: { task: TaskDetail }) {
  const { t, format } = useText()
  const text = useTaskText()
  const { problems, failed } = task
  return (
    <div className="grid gap-4">
      <div role="status" className="grid gap-1.5">
        <p className="flex items-baseline justify-between gap-3">
          <StateMark tone={toneOf(task)}>{text.state(task)}</StateMark>
          <span className="figures text-ink-faint">{text.progress(task)}</span>
        </p>
        {!isTaskOver(task) && <ProgressBar label={t('tasks.progress')} share={shareOf(task)} />}
        {task.error !== null && <p className="text-bad">{task.error}</p>}
      </div>
      <Figures items={text.figures(task)} />
      {problems.length > 0 && (
        <section>
          <h3 className="mb-1.5 flex items-baseline justify-between gap-3 font-medium">
            {t('tasks.problems')}
            {failed > problems.length && (
              <span className="figures text-[13px] font-normal text-ink-faint">
                {t('tasks.problemsShown', {
                  shown: format.number(problems.length),
                  count: format.number(failed),
                })}
              </span>
            )}
          </h3>
          <Problems problems={problems} groupId={task.group_id} />
        </section>
      )}
    </div>
  )
}

const rowHeight = 40

function Problems({ problems, groupId }: { problems: readonly TaskProblem[]; groupId: number }) {
  const { t, format } = useText()
  const scroller = useRef<HTMLDivElement>(null)
  const virtualizer = useVirtualizer({
    count: problems.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 8,
  })
  return (
    <div
      ref={scroller}
      tabIndex={0}
      role="region"
      aria-label={t('tasks.problems')}
      className="quiet-scroll max-h-72 overflow-y-auto rounded-lg border border-line"
    >
      <ul className="relative" style={{ height: virtualizer.getTotalSize() }}>
        {virtualizer.getVirtualItems().map(({ index, start }) => {
          const problem = problems[index]
          if (problem === undefined) return null
          const { line, key_id: keyId, hint, reason } = problem
          return (
            <li
              key={index}
              style={{ transform: `translateY(${start}px)`, height: rowHeight }}
              className="absolute inset-x-0 top-0 flex items-center gap-3 border-b border-line px-3 last:border-b-0"
            >
              {line !== null && (
                <span className="figures shrink-0 text-ink-faint">
                  {t('tasks.line', { line: format.number(line) })}
                </span>
              )}
              {keyId !== null && (
                <PageLink
                  href={`${groupHref(groupId)}&key=${keyId}`}
                  className="shrink-0 font-mono text-[13px] text-accent hover:underline"
                >
                  {hint || t('tasks.keyId', { id: keyId })}
                </PageLink>
              )}
              <span className="truncate" title={reason} lang="en">
                {reason}
              </span>
            </li>
          )
        })}
      </ul>
    </div>
  )
}
