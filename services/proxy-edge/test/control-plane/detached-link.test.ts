import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createSystemClock } from '@gpt-load/service-kit/clock'
import { until } from '@gpt-load/testkit/until'
import { createFileSnapshotStore } from '@gpt-load/transport/file-snapshot-store'
import { silentLogger } from '@gpt-load/transport/transport-logger'
import { openDetachedLink } from '../../src/control-plane/detached-link.ts'
import { createLastGoodSnapshot } from '../../src/control-plane/last-good-snapshot.ts'
import { createRecordingApplier, edgeToken, FakeControlPlane } from './fake-control-plane.ts'

const logger = silentLogger as never
const clock = createSystemClock()

test('a detached edge waits for a first snapshot, and takes a newer one that is put into its store', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'gpt-load-detached-'))
  const plane = new FakeControlPlane()
  const applier = createRecordingApplier()
  const applied: number[] = []
  const link = openDetachedLink({
    snapshotStore: createFileSnapshotStore({ dir }),
    edgeTokens: [edgeToken],
    applier,
    onApplied: ({ revision }) => void applied.push(revision),
    clock,
    logger,
    watchIntervalMs: 20,
  })
  try {
    await link.begin()
    assert.deepEqual(applied, [])
    link.start()

    const keep = async () => {
      const store = createFileSnapshotStore({ dir })
      const keeper = createLastGoodSnapshot({
        store,
        api: plane,
        edgeTokens: [edgeToken],
        clock,
        logger,
        maxAgeMs: 60_000,
      })
      keeper.follow(() => ({ epoch: plane.epoch, revision: plane.revision }))
      await until(() => keeper.storedRevision === plane.revision, { what: 'the snapshot to be kept', timeoutMs: 5_000 })
      await keeper.close()
    }
    const served = (revision: number) =>
      until(() => applied.at(-1) === revision, { what: `revision ${revision}`, timeoutMs: 5_000 })

    plane.put(1, 10)
    plane.put(2, 20)
    await keep()
    await served(2)
    // A delta after the base, a removal among it.
    plane.put(2, 21)
    plane.remove(1)
    await keep()
    await served(4)
    assert.deepEqual([...applier.values], [[2, 21]])
    // Restored from a backup: another epoch, with an older revision.
    plane.epoch = 'f'.repeat(32)
    plane.revision = 1
    plane.values.clear()
    plane.put(7, 70)
    await keep()
    await served(2)
    assert.deepEqual([...applier.values], [[7, 70]])
    assert.equal(link.sync.position.epoch, plane.epoch)
    // Only the first base and the restored one void what was learnt about keys.
    assert.deepEqual([applier.bases[0], applier.bases.at(-1)], [true, true])
    assert.equal(applier.bases.filter((isOtherEpoch) => isOtherEpoch).length, 2)
  } finally {
    await link.close()
    await rm(dir, { recursive: true, force: true })
  }
})
