import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { createContentKey, wrapContentKey } from '@gpt-load/transport/content-key'
import { createFileSnapshotStore } from '@gpt-load/transport/file-snapshot-store'
import { createChunkWriter } from '@gpt-load/transport/snapshot-chunk'
import type { SnapshotFrame } from '@gpt-load/transport/snapshot-store'
import { applyStored, noPosition } from '../../src/control-plane/stored-snapshot.ts'
import { accessKeyRecord } from '../support/access-key-record.ts'
import { createRecordingApplier, edgeToken } from './fake-control-plane.ts'

const epoch = 'e'.repeat(32)
const dir = await mkdtemp(join(tmpdir(), 'gpt-load-test-'))
after(() => rm(dir, { recursive: true }))

function frame(kind: SnapshotFrame['kind'], revision: number, id: number): SnapshotFrame {
  const contentKey = createContentKey()
  const writer = createChunkWriter({ contentKey, epoch })
  const chunks = [...writer.write(accessKeyRecord(id)), writer.finish()]
  return { kind, epoch, revision, savedAtMs: 0, wrappedKeys: wrapContentKey(contentKey, [edgeToken]), chunks }
}

async function* only(...frames: SnapshotFrame[]): AsyncGenerator<SnapshotFrame> {
  yield* frames
}

async function read(position = noPosition) {
  const applier = createRecordingApplier()
  const store = createFileSnapshotStore({ dir })
  const reached = await applyStored(store, { after: position, edgeTokens: [edgeToken], applier })
  return { ids: [...applier.values.keys()], revision: reached.revision }
}

test('a delta that came in several answers is applied with all of them, once the last one is there', async () => {
  const store = createFileSnapshotStore({ dir })
  await store.replace(only(frame('base', 10, 1)))
  await store.append(frame('delta', 10, 2))
  await store.append(frame('delta', 10, 3))
  assert.deepEqual(await read(), { ids: [1], revision: 10 })
  await store.append(frame('delta', 12, 4))
  await store.append({ kind: 'delta', epoch, revision: 12, savedAtMs: 1, wrappedKeys: [], chunks: [] })
  assert.deepEqual(await read(), { ids: [1, 2, 3, 4], revision: 12 })
  await store.append(frame('delta', 13, 5))
  assert.deepEqual(await read({ epoch, revision: 11 }), { ids: [2, 3, 4, 5], revision: 13 })
  assert.deepEqual(await read({ epoch, revision: 12 }), { ids: [5], revision: 13 })
  assert.deepEqual(await read({ epoch, revision: 13 }), { ids: [], revision: 13 })
})
