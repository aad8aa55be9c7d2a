// Which key made which resource, between this edge and the others by way of config-service: what was learnt here is told a
// few times a second, what the others have learnt is asked for every second. Both are bounded and off the request path. An
// edge that has not heard of a resource yet falls back to the rendezvous key, so lateness costs little and loss is no harm.

import { maxResourcesPerAnswer, maxResourcesPerPost, type LearntResource } from '@gpt-load/contracts/resource-key'
import type { Clock } from '@gpt-load/service-kit/clock'
import type { Logger } from '@gpt-load/service-kit/logger'
import { startPeriodic, type Periodic } from '@gpt-load/service-kit/periodic'
import type { InternalApi } from '@gpt-load/transport/internal-api'
import type { KeyTableWriter } from '../data-plane/key-table/key-table-writer.ts'

export type ResourceExchangeOptions = {
  api: Pick<InternalApi, 'storeResources' | 'resources'>
  table: Pick<KeyTableWriter, 'putResource' | 'forgetResources'>
  /** Of the snapshot in force; '' = none yet, nothing is asked or told. */
  epoch(): string
  clock: Clock
  logger: Logger
  pushIntervalMs?: number
  pullIntervalMs?: number
}

export interface ResourceExchange {
  add(resource: LearntResource): void
  start(): void
  readonly pending: number
  readonly counts: { told: number; heard: number; dropped: number }
  /** Tells what waits; resolves when it is told, could not be told, or the time is over. */
  flush(timeoutMs: number): Promise<void>
  close(): Promise<void>
}

/** Past it the oldest are dropped: they stay known here. */
export const maxWaitingResources = 20_000
/** Rows get their numbers before they are committed: what is younger is asked for again. */
const settledMs = 3_000
/** The same for the first answer, which has no time to compare with. */
const unsettledRows = 1_000

export function createResourceExchange(options: ResourceExchangeOptions): ResourceExchange {
  const { api, table, clock, logger, pushIntervalMs = 200, pullIntervalMs = 1_000 } = options
  const counts = { told: 0, heard: 0, dropped: 0 }
  let waiting: LearntResource[] = []
  let epoch = ''
  /** Everything up to here has been heard. */
  let settled: number | undefined
  let marks: { atMs: number; last: number }[] = []
  let jobs: Periodic[] = []

  /** Key ids of another epoch mean nothing. */
  function noteEpoch(): void {
    const current = options.epoch()
    if (current === epoch) return
    if (epoch !== '') {
      table.forgetResources()
      counts.dropped += waiting.length
      waiting = []
    }
    epoch = current
    settled = undefined
    marks = []
  }

  async function push(): Promise<void> {
    noteEpoch()
    while (waiting.length > 0 && epoch !== '') {
      const resources = waiting.slice(0, maxResourcesPerPost)
      const isStored = await api.storeResources({ epoch, resources })
      if (!isStored) return
      const told = new Set(resources)
      waiting = waiting.filter((resource) => !told.has(resource))
      counts.told += resources.length
    }
  }

  async function pull(signal?: AbortSignal): Promise<void> {
    noteEpoch()
    let after = settled
    while (epoch !== '' && signal?.aborted !== true) {
      const askedEpoch = epoch
      const answer = await api.resources({ epoch, ...(after === undefined ? {} : { after }) })
      if (answer === null || askedEpoch !== options.epoch()) return
      for (const { high, low, key_id, expires_at } of answer.resources)
        table.putResource({ high, low }, key_id, expires_at)
      counts.heard += answer.resources.length
      after = answer.last
      if (answer.resources.length < maxResourcesPerAnswer) break
    }
    if (after !== undefined) settle(after)
  }

  function settle(last: number): void {
    const now = clock.monotonicMs()
    marks.push({ atMs: now, last })
    settled ??= Math.max(0, last - unsettledRows)
    while (marks[0] !== undefined && now - marks[0].atMs >= settledMs) settled = Math.max(settled, marks.shift()!.last)
  }

  return {
    add(resource) {
      waiting.push(resource)
      if (waiting.length <= maxWaitingResources) return
      waiting.shift()
      counts.dropped += 1
    },
    start() {
      const common = { clock, logger }
      jobs = [
        startPeriodic({ name: 'resources-told', intervalMs: pushIntervalMs, run: push, ...common }),
        startPeriodic({ name: 'resources-heard', intervalMs: pullIntervalMs, isImmediate: true, run: pull, ...common }),
      ]
    },
    get pending() {
      return waiting.length
    },
    counts,
    async flush(timeoutMs) {
      const isOver = new AbortController()
      const over = clock.sleep(timeoutMs, isOver.signal).catch(() => undefined)
      await Promise.race([push().catch(() => undefined), over])
      isOver.abort()
    },
    async close() {
      await Promise.all(jobs.map((job) => job.stop()))
    },
  }
}
