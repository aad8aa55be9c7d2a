import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createSystemClock } from '@gpt-load/service-kit/clock'
import { until } from '@gpt-load/testkit/until'
import { silentLogger } from '@gpt-load/transport/transport-logger'
import { createOutbox } from '../../src/control-plane/outbox.ts'
import type { KeyOutcome } from '../../src/worker-protocol.ts'
import { FakeControlPlane } from './fake-control-plane.ts'

const failure = (keyId: number, changes: Partial<KeyOutcome> = {}): KeyOutcome => ({
  keyId,
  model: '',
  facts: { state: 'suspect', until: 0, generation: 0, failures: 1 },
  failures: 1,
  succeeded: false,
  cause: { at: 1, class: 'key_auth', status: 401 },
  ...changes,
})

function open(plane: FakeControlPlane, epoch = plane.epoch) {
  const drops: number[] = []
  const outbox = createOutbox({
    api: plane,
    edge: 'edge-1',
    instance: 'i',
    epoch: () => epoch,
    clock: createSystemClock(),
    logger: silentLogger as never,
    onOtherEpoch: () => void drops.push(1),
  })
  return { outbox, drops, [Symbol.asyncDispose]: () => outbox.close() }
}

describe('outbox', () => {
  test('counts failures since the last acknowledgement, once each, over an outage', async () => {
    const plane = new FakeControlPlane()
    plane.isAway = true
    await using edge = open(plane)
    for (let n = 0; n < 500; n += 1) edge.outbox.add(failure(1 + (n % 5)))
    assert.ok(edge.outbox.pending <= 10, 'bounded by keys, not by events')
    plane.isAway = false
    await until(() => edge.outbox.pending === 0, { what: 'the outbox to empty' })
    const byNumber = new Map(plane.posts.map((post) => [post.number, post]))
    const counted = [...byNumber.values()]
      .flatMap((post) => post.events)
      .reduce((sum, { failures }) => sum + failures, 0)
    assert.equal(counted, 500)
  })

  test('an unanswered post is sent again with the same number and content', async () => {
    const plane = new FakeControlPlane()
    const seen: string[] = []
    let answers = 0
    const flaky = Object.assign(plane, {
      keyEvents: async (post: Parameters<FakeControlPlane['keyEvents']>[0]) => {
        seen.push(JSON.stringify(post))
        if (answers++ < 2) throw new Error('the answer was lost')
        return FakeControlPlane.prototype.keyEvents.call(plane, post)
      },
    })
    await using edge = open(flaky)
    edge.outbox.add(failure(1))
    edge.outbox.add(failure(1))
    await until(() => edge.outbox.pending === 0, { what: 'the outbox to empty' })
    assert.equal(new Set(seen.slice(0, 3)).size, 1)
    assert.equal(edge.outbox.counts.resends, 2)
  })

  test('a success resets what was counted before it', async () => {
    const plane = new FakeControlPlane()
    plane.isAway = true
    await using edge = open(plane)
    // The first event may be under way alone; the others coalesce behind it.
    edge.outbox.add(failure(9))
    await until(() => edge.outbox.counts.resends > 0, { what: 'a resend' })
    edge.outbox.add(failure(1))
    edge.outbox.add(
      failure(1, { succeeded: true, failures: 0, facts: { state: 'active', until: 0, generation: 0, failures: 0 } }),
    )
    edge.outbox.add(failure(1))
    plane.isAway = false
    await until(() => edge.outbox.pending === 0, { what: 'the outbox to empty' })
    const event = plane.posts.flatMap((post) => post.events).find((candidate) => candidate.key_id === 1)
    assert.deepEqual([event?.failures, event?.succeeded, event?.state], [1, true, 'suspect'])
  })

  test('what belongs to another epoch is dropped and told', async () => {
    const plane = new FakeControlPlane()
    await using edge = open(plane, '0'.repeat(32))
    edge.outbox.add(failure(1))
    await until(() => edge.drops.length > 0, { what: 'the drop' })
    assert.equal(edge.outbox.pending, 0)
  })
})
