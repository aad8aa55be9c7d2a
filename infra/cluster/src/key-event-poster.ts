import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { KeyEvent, KeyEventAck, KeyEventPost } from '@gpt-load/contracts/key-event'
import type { Cluster } from './start-cluster.ts'

/** Key events as an edge posts them: a post that fails is sent again, with its number, to the other replica. */
export type EventPoster = { post(events: KeyEvent[]): Promise<KeyEventAck>; readonly resends: number }

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
