import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { ChangeFeedMessage } from '@gpt-load/contracts/change-feed-message'
import { createSystemClock } from '@gpt-load/service-kit/clock'
import { until } from '@gpt-load/testkit/until'
import { silentLogger } from '@gpt-load/transport/transport-logger'
import { createLastGoodSnapshot } from '../../src/control-plane/last-good-snapshot.ts'
import { createSnapshotSync } from '../../src/control-plane/snapshot-sync.ts'
import { createFileSnapshotStore } from '@gpt-load/transport/file-snapshot-store'
import { createRecordingApplier, edgeToken, FakeControlPlane, FakeFeed } from './fake-control-plane.ts'
import { cp, mkdtemp, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const logger = silentLogger as never
const clock = createSystemClock()

function openEdge(plane: FakeControlPlane) {
  const feed = new FakeFeed()
  const applier = createRecordingApplier()
  const applied: number[] = []
  const sync = createSnapshotSync({
    api: plane,
    feed,
    applier,
    edgeTokens: [edgeToken],
    clock,
    logger,
    onApplied: ({ revision }) => void applied.push(revision),
  })
  return { feed, applier, sync, applied, [Symbol.asyncDispose]: () => sync.close() }
}

const truth = (plane: FakeControlPlane) =>
  [...plane.values]
    .filter(([, { isRemoved }]) => !isRemoved)
    .map(([id, { value }]) => [id, value])
    .toSorted((a, b) => a[0]! - b[0]!)
const served = (edge: ReturnType<typeof openEdge>) => [...edge.applier.values].toSorted((a, b) => a[0] - b[0])
const caughtUp = (edge: ReturnType<typeof openEdge>, plane: FakeControlPlane) =>
  until(() => edge.sync.position.revision === plane.revision && edge.sync.position.epoch === plane.epoch, {
    what: 'the edge to catch up',
    timeoutMs: 10_000,
  })

describe('snapshot sync', () => {
  test('takes a base, then follows the feed without pulling', async () => {
    const plane = new FakeControlPlane()
    for (let id = 1; id <= 50; id += 1) plane.put(id, id)
    await using edge = openEdge(plane)
    assert.equal(await edge.sync.tryFirst(2_000), true)
    edge.sync.start()
    edge.feed.connect()
    await caughtUp(edge, plane)
    await until(() => plane.counts.deltas >= 2, { what: 'the pull on connect' })
    const { deltas } = plane.counts
    for (let n = 0; n < 20; n += 1) edge.feed.listener?.onMessage(plane.put(n, 1_000 + n))
    await caughtUp(edge, plane)
    assert.deepEqual(served(edge), truth(plane))
    assert.equal(plane.counts.deltas, deltas)
    assert.equal(edge.sync.counts.fromFeed, 20)
  })

  test('without the feed, news arrive by long poll at once', async () => {
    const plane = new FakeControlPlane()
    plane.put(1, 1)
    await using edge = openEdge(plane)
    edge.sync.start()
    await caughtUp(edge, plane)
    for (let n = 2; n < 6; n += 1) {
      const startedAt = performance.now()
      plane.put(n, n)
      await caughtUp(edge, plane)
      assert.ok(performance.now() - startedAt < 5_000, 'as late as the end of a poll')
    }
    assert.deepEqual(served(edge), truth(plane))
  })

  test('while the feed stalls news arrive by long poll at once; a false alarm costs one question', async () => {
    const plane = new FakeControlPlane()
    plane.put(1, 1)
    await using edge = openEdge(plane)
    edge.sync.start()
    edge.feed.connect()
    await caughtUp(edge, plane)
    edge.feed.listener?.onStall()
    for (let n = 2; n < 6; n += 1) {
      const startedAt = performance.now()
      plane.put(n, n)
      await caughtUp(edge, plane)
      assert.ok(performance.now() - startedAt < 5_000, 'as late as the end of a poll')
    }

    edge.feed.listener?.onResume()
    const { deltas } = plane.counts
    for (let n = 6; n < 10; n += 1) {
      edge.feed.listener?.onMessage(plane.put(n, n))
      await caughtUp(edge, plane)
      // A long poll that goes on is asked again a little later.
      await clock.sleep(50)
    }
    assert.ok(plane.counts.deltas <= deltas + 1, 'it hears and asks as well')
    assert.deepEqual(served(edge), truth(plane))
  })

  test('messages dropped, repeated and reordered converge to the truth', async () => {
    const step = fc.record({
      id: fc.integer({ min: 1, max: 8 }),
      isRemoved: fc.boolean(),
      fate: fc.constantFrom('send', 'drop', 'twice', 'late'),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 30 }), async (steps) => {
        const plane = new FakeControlPlane()
        plane.put(99, 1)
        await using edge = openEdge(plane)
        edge.sync.start()
        edge.feed.connect()
        const late: ChangeFeedMessage[] = []
        for (const { id, isRemoved, fate } of steps) {
          // Ids are never given twice.
          if (!isRemoved && plane.values.get(id)?.isRemoved) continue
          const message = isRemoved ? plane.remove(id) : plane.put(id, plane.revision)
          if (fate === 'late') late.push(message)
          else if (fate !== 'drop') edge.feed.listener?.onMessage(message)
          if (fate === 'twice') edge.feed.listener?.onMessage(message)
        }
        for (const message of late.toReversed()) edge.feed.listener?.onMessage(message)
        const { epoch, revision } = plane
        // The beat repairs what was dropped last.
        edge.feed.listener?.onMessage({ epoch, revision, previous: revision, server_time_ms: Date.now() })
        await caughtUp(edge, plane)
        assert.deepEqual(served(edge), truth(plane))
      }),
      { numRuns: 40 },
    )
  })

  test('what was removed is gone at once, while it still asks for what came before', async () => {
    const plane = new FakeControlPlane()
    for (let id = 1; id <= 3; id += 1) plane.put(id, id)
    await using edge = openEdge(plane)
    edge.sync.start()
    edge.feed.connect()
    await caughtUp(edge, plane)
    const { promise: answering, resolve: answer } = Promise.withResolvers<void>()
    using _ = { [Symbol.dispose]: () => answer() }
    const asked = plane.delta.bind(plane)
    plane.delta = async (request) => (await answering, asked(request))
    const { changes: _kept, ...hint } = plane.put(4, 4)
    edge.feed.listener?.onMessage(hint)
    edge.feed.listener?.onMessage(plane.remove(2))
    assert.deepEqual(served(edge), [
      [1, 1],
      [3, 3],
    ])
    assert.equal(edge.sync.position.revision, plane.revision - 2)
    answer()
    await caughtUp(edge, plane)
    assert.deepEqual(served(edge), truth(plane))
  })

  test('another epoch is taken whole, in place: what is served is never empty', async () => {
    const plane = new FakeControlPlane()
    for (let id = 1; id <= 10; id += 1) plane.put(id, id)
    await using edge = openEdge(plane)
    edge.sync.start()
    edge.feed.connect()
    await caughtUp(edge, plane)
    plane.epoch = 'f'.repeat(32)
    plane.values.clear()
    plane.revision = 2
    for (let id = 5; id <= 14; id += 1) plane.put(id, 7)
    edge.feed.listener?.onMessage(plane.put(15, 7))
    await caughtUp(edge, plane)
    assert.deepEqual(served(edge), truth(plane))
    assert.ok(edge.applier.smallest >= 10)
  })

  test('is behind its base until what came after it is in force', async () => {
    const plane = new FakeControlPlane()
    plane.put(1, 1)
    const answer = Promise.withResolvers<void>()
    const delta = plane.delta.bind(plane)
    plane.delta = async (request) => {
      await answer.promise
      return delta(request)
    }
    await using edge = openEdge(plane)
    assert.equal(edge.sync.isBehindBase, false)
    edge.sync.start()
    await caughtUp(edge, plane)
    const wasBehind = edge.sync.isBehindBase
    answer.resolve()
    assert.equal(wasBehind, true)
    await until(() => !edge.sync.isBehindBase, { what: 'the deltas after the base' })
  })

  test('a change log that was cut leads to a new base', async () => {
    const plane = new FakeControlPlane()
    plane.put(1, 1)
    await using edge = openEdge(plane)
    edge.sync.start()
    await caughtUp(edge, plane)
    plane.isAway = true
    for (let n = 0; n < 10; n += 1) plane.put(2, n)
    plane.remove(1)
    plane.oldestRevision = 5
    plane.isAway = false
    edge.feed.connect()
    await caughtUp(edge, plane)
    assert.deepEqual(served(edge), truth(plane))
    assert.equal(edge.sync.counts.bases, 2)
  })

  test('a download that breaks off goes on where it broke', async () => {
    const plane = new FakeControlPlane()
    for (let id = 1; id <= 20_000; id += 1) plane.put(id, id)
    plane.brokenDownloads = 2
    await using edge = openEdge(plane)
    edge.sync.start()
    await caughtUp(edge, plane)
    assert.equal(plane.counts.manifests, 1)
    assert.equal(plane.counts.bases, 3)
    assert.equal(edge.applier.values.size, 20_000)
  })

  test('while nobody answers it serves what it has, and a fresh edge starts from what was stored', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'gpt-load-test-'))
    const plane = new FakeControlPlane()
    for (let id = 1; id <= 5; id += 1) plane.put(id, id)
    {
      await using edge = openEdge(plane)
      await using stored = openStored(plane, dir)
      edge.sync.start()
      await caughtUp(edge, plane)
      stored.snapshot.follow(() => edge.sync.position)
      await until(() => stored.snapshot.storedRevision === plane.revision, { what: 'the base to be stored' })
      plane.put(6, 6)
      plane.remove(1)
      await caughtUp(edge, plane)
      await until(() => stored.snapshot.storedRevision === plane.revision, { what: 'the deltas to be stored' })
      plane.isAway = true
      assert.deepEqual(served(edge), truth(plane))
    }
    await using fresh = openEdge(plane)
    await using stored = openStored(plane, dir)
    assert.equal(await fresh.sync.tryFirst(200), false)
    const position = await stored.snapshot.restore(fresh.applier)
    assert.deepEqual(position, { epoch: plane.epoch, revision: plane.revision })
    assert.deepEqual(served(fresh), truth(plane))
    await using other = openStored(plane, dir, 'another-edge-token-0123456789abcdef0')
    await assert.rejects(other.snapshot.restore(createRecordingApplier()), /another EDGE_TOKEN/)
    await using old = openStored(plane, dir, edgeToken, -1)
    assert.equal(await old.snapshot.restore(createRecordingApplier()), null)
    await rm(dir, { recursive: true })
  })

  test('edges that share a store bring it forward when a slower one has put an older snapshot back', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'gpt-load-test-'))
    const plane = new FakeControlPlane()
    for (let id = 1; id <= 5; id += 1) plane.put(id, id)
    await using edge = openEdge(plane)
    await using stored = openStored(plane, dir)
    await using other = openStored(plane, dir)
    edge.sync.start()
    await caughtUp(edge, plane)
    for (const { snapshot } of [stored, other]) snapshot.follow(() => edge.sync.position)
    await until(() => stored.snapshot.storedRevision === plane.revision, { what: 'the base to be stored' })
    await cp(join(dir, 'snapshot'), join(dir, 'older'))
    plane.put(6, 6)
    await caughtUp(edge, plane)
    for (const { snapshot } of [stored, other])
      await until(() => snapshot.storedRevision === plane.revision, { what: 'the delta to be stored' })
    await rename(join(dir, 'older'), join(dir, 'snapshot'))
    await until(
      async () => {
        await using fresh = openEdge(plane)
        await using reader = openStored(plane, dir)
        return (await reader.snapshot.restore(fresh.applier))?.revision === plane.revision
      },
      { what: 'the delta to be stored again' },
    )
    await rm(dir, { recursive: true })
  })
})

function openStored(plane: FakeControlPlane, dir: string, token = edgeToken, maxAgeMs = 86_400_000) {
  const snapshot = createLastGoodSnapshot({
    store: createFileSnapshotStore({ dir }),
    api: plane,
    edgeTokens: [token],
    clock,
    logger,
    maxAgeMs,
  })
  return { snapshot, [Symbol.asyncDispose]: () => snapshot.close() }
}
