import { setTimeout as sleep } from 'node:timers/promises'
import type { Task, TaskDetail } from '@gpt-load/contracts/api/task'
import { isTaskOver, type TaskKind } from '@gpt-load/contracts/task-state'
import { StartupError } from '@gpt-load/service-kit/startup-error'
import type { ServerSession } from '../server-commands.ts'

/**
 * Follows a task to its end, with a bar on a terminal and lines elsewhere. Ctrl-C asks whether to cancel it; a second one, or one where
 * nobody can be asked, leaves it running on the server.
 */
const pollMs = 250
const lineEveryMs = 5_000
const barWidth = 24
const maxShownProblems = 10

export async function followTask(session: ServerSession, first: Task): Promise<TaskDetail> {
  const { server, context } = session
  const { terminal } = context
  const interrupts = watchInterrupts(session, first.id)
  try {
    for (let told = 0; ;) {
      const { data: task } = await server('GET /api/v1/tasks/{id}', { params: { id: first.id } })
      if (isTaskOver(task)) return task
      interrupts.throwIfLeft()
      if (!interrupts.isAsking()) terminal.showProgress(barOf(task))
      if (!terminal.isWatched && performance.now() - told >= lineEveryMs) {
        context.warn(countsOf(task))
        told = performance.now()
      }
      await Promise.race([sleep(pollMs), interrupts.left])
    }
  } finally {
    terminal.showProgress('')
    interrupts[Symbol.dispose]()
  }
}

/** What came of it; the exit code is 1 when it did not come to its end. */
export function reportTask({ context }: ServerSession, task: TaskDetail, { json = false }: { json?: boolean }): void {
  if (json) context.say(JSON.stringify(task, null, 2))
  else context.say(`${task.state}: ${countsOf(task)}`)
  for (const { line, hint, reason } of json ? [] : task.problems.slice(0, maxShownProblems))
    context.warn(`  ${line === null ? hint : `line ${line}`}: ${reason}`)
  const { length } = task.problems
  if (!json && length > maxShownProblems) context.warn(`  … and more: GET /api/v1/tasks/${task.id}`)
  if (task.error !== null) context.warn(task.error)
  if (task.state !== 'succeeded') context.exit(1)
}

const doneWords = {
  import: 'added',
  delete: 'deleted',
  validate: 'valid',
  restore: 'restored',
  copy: 'copied',
  move: 'moved',
  export: 'exported',
  enable: 'enabled',
  disable: 'disabled',
} as const satisfies Record<TaskKind, string>

const failedWords: Partial<Record<TaskKind, string>> = { validate: 'invalid', import: 'malformed', delete: 'malformed' }

function countsOf({ kind, processed, total, succeeded, skipped, failed }: Task): string {
  const failedWord = failedWords[kind] ?? 'failed'
  const of = total === null ? '' : `/${total}`
  return `${processed}${of} keys: ${succeeded} ${doneWords[kind]}, ${skipped} skipped, ${failed} ${failedWord}`
}

function barOf(task: Task): string {
  const { total, processed } = task
  if (total === null || total === 0) return countsOf(task)
  const filled = Math.round((Math.min(processed, total) / total) * barWidth)
  const percent = String(Math.floor((Math.min(processed, total) / total) * 100)).padStart(3)
  return `[${'#'.repeat(filled)}${'.'.repeat(barWidth - filled)}] ${percent} %  ${countsOf(task)}`
}

function watchInterrupts({ server, context }: ServerSession, id: number) {
  const { terminal } = context
  const second = new AbortController()
  const left = Promise.withResolvers<void>()
  let isAsking = false
  let hasLeft = false
  const leave = (): void => {
    hasLeft = true
    left.resolve()
  }
  async function ask(): Promise<void> {
    isAsking = true
    terminal.showProgress('')
    const question = `Cancel task ${id}? What is done stays. Ctrl-C again leaves it running. [y/N] `
    const answer = await terminal.ask(question, second.signal).catch(() => null)
    isAsking = false
    if (answer === null) return leave()
    if (/^y(es)?$/i.test(answer.trim()))
      await server('POST /api/v1/tasks/{id}/cancel', { params: { id } }).catch((error: unknown) =>
        context.warn(`it could not be cancelled: ${String((error as Error).message)}`),
      )
  }
  const handler = terminal.onInterrupt(() => {
    if (isAsking) second.abort()
    else void ask()
  })
  return {
    left: left.promise,
    isAsking: () => isAsking,
    throwIfLeft(): void {
      if (hasLeft)
        throw new StartupError(
          `task ${id} goes on on the server`,
          `GET /api/v1/tasks/${id} tells how far it is, POST …/cancel ends it`,
        )
    },
    [Symbol.dispose]: () => handler[Symbol.dispose](),
  }
}
