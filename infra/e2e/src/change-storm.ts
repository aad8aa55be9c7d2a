import { setTimeout as delay } from 'node:timers/promises'
import { keyEvent, type EventPoster } from '@gpt-load/cluster/key-event-poster'
import type { KeyEvent, KeyEventAck } from '@gpt-load/contracts/key-event'
import { severityOf, type KeyState } from '@gpt-load/contracts/key-state'

/**
 * Key events as edges post them, many a second, with the truth that must come of them: an event counts once, when it was
 * acknowledged, however often it was sent.
 */
export type ExpectedKey = { failures: number; state: KeyState }

export interface ChangeStorm {
  /** Per key id. */
  readonly expected: ReadonlyMap<number, ExpectedKey>
  /** Acknowledged revisions with the time of the answer, in the order of time. */
  readonly acks: readonly { atMs: number; revision: number }[]
  /** `tookMs`: from its start until its last answer. */
  readonly counts: { events: number; resends: number; tookMs: number }
  /** No further post; resolves when those under way are acknowledged. */
  stop(): Promise<void>
}

const eventsPerPost = 50

export function startStorm(options: {
  posters: readonly EventPoster[]
  keyIds: readonly number[]
  perSecond: number
  expected: Map<number, ExpectedKey>
}): ChangeStorm {
  const { posters, keyIds, perSecond, expected } = options
  const acks: { atMs: number; revision: number }[] = []
  const counts = { events: 0, tookMs: 0 }
  const stormedFromMs = performance.now()
  const pauseMs = (eventsPerPost * posters.length * 1_000) / perSecond
  let isStopped = false
  let next = 0

  function nextEvents(): KeyEvent[] {
    return Array.from({ length: eventsPerPost }, () => {
      next += 1
      const keyId = keyIds[next % keyIds.length] ?? 0
      // Far enough away that none is due before the end.
      if (next % 7 === 0) return keyEvent(keyId, { state: 'cooling', until: Date.now() + 7_200_000 })
      return keyEvent(keyId, { state: next % 5 === 0 ? 'suspect' : 'active' })
    })
  }

  function note(events: readonly KeyEvent[], ack: KeyEventAck): void {
    acks.push({ atMs: performance.now(), revision: ack.revision })
    counts.events += events.length
    counts.tookMs = performance.now() - stormedFromMs
    for (const { key_id: id, state } of events) {
      const before = expected.get(id) ?? { failures: 0, state: 'active' }
      const worse = severityOf[state] > severityOf[before.state] ? state : before.state
      expected.set(id, { failures: before.failures + 1, state: worse })
    }
  }

  async function run(poster: EventPoster): Promise<void> {
    const startedAt = performance.now()
    for (let n = 0; !isStopped; n += 1) {
      const waitMs = startedAt + n * pauseMs - performance.now()
      if (waitMs > 0) await delay(waitMs)
      const events = nextEvents()
      note(events, await poster.post(events))
    }
  }

  const running = Promise.all(posters.map(run))
  // A poster that gives up is reported by `stop`.
  running.catch(() => {})
  return {
    expected,
    acks,
    get counts() {
      return { ...counts, resends: posters.reduce((sum, { resends }) => sum + resends, 0) }
    },
    async stop() {
      isStopped = true
      await running
    },
  }
}
