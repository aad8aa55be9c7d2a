import type { RequestLog } from '@gpt-load/contracts/api/log'
import type { RequestLogReader } from '@gpt-load/database/logs/request-log-reader'
import type { Clock } from '@gpt-load/service-kit/clock'
import type { Logger } from '@gpt-load/service-kit/logger'
import { ApiProblem } from '../http/api-problem.ts'

/**
 * One query a second for all who follow the log, none when nobody does. What is new goes to each of them; who takes it slower
 * than it comes loses the older part and is told how much. Rows that a slow transaction stores late may be passed over: the
 * list has them, the tail is for looking on.
 */
export interface LogTail {
  follow(): AsyncGenerator<TailBatch>
  /** Ends whoever follows. */
  close(): void
}
export type TailBatch = { items: readonly RequestLog[]; skipped: number }

const pollMs = 1_000
/** Rows of one poll; a busier second is a sample of its newest. */
const rowsPerPoll = 200
/** Kept for one follower that does not take them. */
const maxWaitingRows = 400
const maxFollowers = 50

type Follower = { waiting: RequestLog[]; skipped: number; isStopped: boolean; wake: (() => void) | null }

export function createLogTail(options: {
  logReader: Pick<RequestLogReader, 'newest'>
  clock: Clock
  logger: Logger
}): LogTail {
  const followers = new Set<Follower>()
  let isPolling = false

  async function poll(): Promise<void> {
    let afterId: number | null = null
    while (followers.size > 0) {
      const newest = await options.logReader.newest({ afterId, limit: rowsPerPoll })
      afterId = newest.lastId
      for (const follower of followers) give(follower, newest)
      await options.clock.sleep(pollMs)
    }
  }
  function start(): void {
    if (isPolling) return
    isPolling = true
    poll()
      .catch((error: unknown) => {
        options.logger.warn({ err: error }, 'the log tail could not be read')
        for (const follower of followers) stop(follower)
      })
      .finally(() => {
        isPolling = false
        // Somebody came between the last look and now.
        if (followers.size > 0) start()
      })
  }
  function stop(follower: Follower): void {
    follower.isStopped = true
    followers.delete(follower)
    follower.wake?.()
  }
  return {
    follow() {
      if (followers.size >= maxFollowers)
        throw new ApiProblem('too_many_requests', `${maxFollowers} follow the log already.`)
      const follower: Follower = { waiting: [], skipped: 0, isStopped: false, wake: null }
      followers.add(follower)
      start()
      return batchesOf(follower, () => stop(follower))
    },
    close() {
      for (const follower of followers) stop(follower)
    },
  }
}

function give(follower: Follower, { items, skipped }: TailBatch): void {
  follower.waiting.push(...items)
  const excess = Math.max(0, follower.waiting.length - maxWaitingRows)
  follower.waiting.splice(0, excess)
  follower.skipped += skipped + excess
  follower.wake?.()
}

/** Yields once per poll, also when there is nothing: the caller keeps its connection alive by it. */
async function* batchesOf(follower: Follower, leave: () => void): AsyncGenerator<TailBatch> {
  try {
    while (!follower.isStopped) {
      await new Promise<void>((resolve) => {
        follower.wake = resolve
      })
      follower.wake = null
      const { waiting: items, skipped } = follower
      follower.waiting = []
      follower.skipped = 0
      if (!follower.isStopped) yield { items, skipped }
    }
  } finally {
    leave()
  }
}
