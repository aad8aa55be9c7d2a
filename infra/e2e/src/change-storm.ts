import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { KeyEvent, KeyEventAck, KeyEventPost } from '@gpt-load/contracts/key-event'
import { severityOf, type KeyState } from '@gpt-load/contracts/key-state'
import type { Cluster } from '@gpt-load/cluster/start-cluster'

/**
 * Key events as edges post them, many a second, with the truth that must come of them: an event counts once, when it was
 * acknowledged, however often it was sent. A post that fails is sent again, with its number, to the other replica.
 */
export type ExpectedKey = { failures: number; state: KeyState }

export interface ChangeStorm {
  /** Per key id. */
  readonly expected: ReadonlyMap<number, ExpectedKey>
  /** Acknowledged revisions with the time of the answer, in the order of time. */
  readonly acks: readonly { atMs: number; revision: number }[]
  readonly counts: { events: number; resends: number }
  /** No further post; resolves when those under way are acknowledged. */
  stop(): Promise<void>
}

export type EventPoster = { post(events: KeyEvent[]): Promise<KeyEventAck>; readonly resends: number }

const eventsPerPost = 50
const answerTimeoutMs = 5_000

/** `first` is the replica that it begins with. */
export function createPoster(cluster: Cluster, edge: string, epoch: string, first = 0): EventPoster {
  const instance = randomBytes(8).toString('hex')
  let number = 0
  let turn = first
  let resends = 0
  return {
    get resends() {
      return resends
    },
    async post(events) {
      number += 1
      const post: KeyEventPost = { edge, instance, epoch, number, events }
      for (let tries = 0; ; tries += 1) {
        const service = cluster.configServices[turn % cluster.configServices.length]
        const answer = await sendPost(cluster, service?.internalUrl ?? '', post).catch(() => null)
        if (answer?.status === 200) return (await answer.json()) as KeyEventAck
        if (answer?.status === 409) throw new Error('another epoch')
        if (tries >= 200) throw new Error(`key events are not taken: ${answer?.status}`)
        turn += 1
        resends += 1
        await delay(50)
      }
    },
  }
}

export function sendPost(cluster: Cluster, internalUrl: string, post: KeyEventPost): Promise<Response> {
  return fetch(`${internalUrl}/internal/key-events`, {
    method: 'POST',
    headers: { authorization: `Bearer ${cluster.secrets.edgeToken}`, 'content-type': 'application/json' },
    body: JSON.stringify(post),
    signal: AbortSignal.timeout(answerTimeoutMs),
  })
}

export function keyEvent(keyId: number, more: Partial<KeyEvent> = {}): KeyEvent {
  const cause = { at: Date.now(), class: 'rate_limit' as const, status: 429, edge: 'storm' }
  return {
    key_id: keyId,
    generation: 0,
    state: 'active',
    until: 0,
    failures: 1,
    succeeded: false,
    first_cause: cause,
    last_cause: cause,
    ...more,
  }
}

export function startStorm(options: {
  posters: readonly EventPoster[]
  keyIds: readonly number[]
  perSecond: number
  expected: Map<number, ExpectedKey>
}): ChangeStorm {
  const { posters, keyIds, perSecond, expected } = options
  const acks: { atMs: number; revision: number }[] = []
  const counts = { events: 0, resends: 0 }
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
