// What this edge has learnt about keys and the control plane does not know yet. Coalesced per key (and key x model), so its
// bound is the number of keys. One numbered post is in flight; until it is acknowledged it is sent again with the same
// number and content, and config-service recognises it. Nothing here is on the request path.

import type { KeyEvent, KeyEventPost } from '@gpt-load/contracts/key-event'
import { maxEventsPerPost, minPostIntervalMs } from '@gpt-load/contracts/key-event'
import type { Clock } from '@gpt-load/service-kit/clock'
import { createBackoff } from '@gpt-load/service-kit/backoff'
import type { Logger } from '@gpt-load/service-kit/logger'
import type { InternalApi } from '@gpt-load/transport/internal-api'
import type { KeyOutcome } from '../worker-protocol.ts'

export type OutboxOptions = {
  api: Pick<InternalApi, 'keyEvents'>
  edge: string
  instance: string
  /** Of the snapshot in force; '' = none yet, nothing is sent. */
  epoch(): string
  clock: Clock
  logger: Logger
  /** Key ids of another epoch mean nothing: what waited was dropped. */
  onOtherEpoch(): void
}

export interface Outbox {
  add(outcome: KeyOutcome): void
  readonly pending: number
  readonly counts: { posts: number; resends: number; events: number; dropped: number }
  /** Sends what is there; resolves when all of it is acknowledged or the time is over. */
  flush(timeoutMs: number): Promise<void>
  close(): Promise<void>
}

export function createOutbox(options: OutboxOptions): Outbox {
  const { api, clock, logger } = options
  const waiting = new Map<string, KeyEvent>()
  const closing = new AbortController()
  const counts = { posts: 0, resends: 0, events: 0, dropped: 0 }
  let post: KeyEventPost | null = null
  let lastNumber = 0
  let sending: Promise<void> | undefined

  function wake(): void {
    if (closing.signal.aborted) return
    sending ??= sendAll().finally(() => {
      sending = undefined
      if (waiting.size > 0 && options.epoch() !== '') wake()
    })
  }

  async function sendAll(): Promise<void> {
    while (!closing.signal.aborted && options.epoch() !== '' && (post !== null || waiting.size > 0)) {
      post ??= nextPost()
      await sendPost(post)
      await clock.sleep(minPostIntervalMs, closing.signal).catch(() => undefined)
    }
  }

  function nextPost(): KeyEventPost {
    const events: KeyEvent[] = []
    for (const [place, event] of waiting) {
      if (events.length === maxEventsPerPost) break
      events.push(event)
      waiting.delete(place)
    }
    lastNumber += 1
    return { edge: options.edge, instance: options.instance, epoch: options.epoch(), number: lastNumber, events }
  }

  async function sendPost(current: KeyEventPost): Promise<void> {
    const backoff = createBackoff({ baseMs: 200, maxMs: 2_000, minMs: 50 })
    for (let tries = 0; !closing.signal.aborted; tries += 1) {
      try {
        if (tries > 0) counts.resends += 1
        const answer = await api.keyEvents(current)
        if (answer.kind === 'other_epoch') dropAll()
        post = null
        counts.posts += 1
        counts.events += current.events.length
        return
      } catch (error) {
        logger.warn({ err: error, number: current.number, pending: waiting.size }, 'key events wait for config-service')
        await clock.sleep(backoff.nextMs(), closing.signal).catch(() => undefined)
      }
    }
  }

  function dropAll(): void {
    counts.dropped += waiting.size + (post?.events.length ?? 0)
    waiting.clear()
    options.onOtherEpoch()
  }

  return {
    add(outcome) {
      const place = outcome.model === '' ? String(outcome.keyId) : `${outcome.keyId}:${outcome.model}`
      waiting.set(place, coalesce(waiting.get(place), outcome))
      wake()
    },
    get pending() {
      return waiting.size + (post?.events.length ?? 0)
    },
    counts,
    async flush(timeoutMs) {
      wake()
      const deadline = clock.monotonicMs() + timeoutMs
      while (sending !== undefined && clock.monotonicMs() < deadline) {
        await Promise.race([sending, clock.sleep(deadline - clock.monotonicMs()).catch(() => undefined)])
      }
    },
    async close() {
      closing.abort()
      await sending
    },
  }
}

/** The newest state; failures since the last acknowledgement, or since the success that came between them. */
export function coalesce(earlier: KeyEvent | undefined, outcome: KeyOutcome): KeyEvent {
  const { facts, cause } = outcome
  const isContinued = earlier !== undefined && earlier.generation === facts.generation
  const isReset = outcome.succeeded || (isContinued && earlier.succeeded)
  const before = isContinued && !outcome.succeeded ? earlier.failures : 0
  return {
    key_id: outcome.keyId,
    ...(outcome.model === '' ? {} : { model: outcome.model }),
    generation: facts.generation,
    state: facts.state,
    until: facts.until,
    failures: before + outcome.failures,
    succeeded: isReset,
    first_cause: isContinued ? earlier.first_cause : cause,
    last_cause: cause,
  }
}
