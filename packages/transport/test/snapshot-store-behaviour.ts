import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import type { SnapshotFrame, SnapshotStore } from '../src/snapshot-store.ts'

const epoch = 'a'.repeat(32)

type WholeFrame = SnapshotFrame & { chunks: Buffer[] }

export function baseFrame(revision: number, chunks = [randomBytes(3_000), randomBytes(70_000)]): WholeFrame {
  return { kind: 'base', epoch, revision, savedAtMs: 1_700_000_000_000, wrappedKeys: ['k1', 'k2'], chunks }
}

export function deltaFrame(revision: number, text = `delta ${revision}`): WholeFrame {
  const chunks = [Buffer.from(text), randomBytes(500)]
  return { kind: 'delta', epoch, revision, savedAtMs: 1_700_000_000_000, wrappedKeys: ['k3'], chunks }
}

export async function* framesOf(...frames: SnapshotFrame[]): AsyncGenerator<SnapshotFrame> {
  yield* frames
}

export async function loadAll(store: SnapshotStore): Promise<WholeFrame[]> {
  const frames: WholeFrame[] = []
  for await (const frame of store.load()) {
    const chunks = await Array.fromAsync(frame.chunks)
    frames.push({ ...frame, chunks: chunks.map((chunk) => Buffer.from(chunk)) })
  }
  return frames
}

export async function revisionsOf(store: SnapshotStore): Promise<number[]> {
  return (await loadAll(store)).map(({ revision }) => revision)
}

/** What every store guarantees. `open` opens the same place each time within a test, another in each test. */
export function describeSnapshotStore(newPlace: () => Promise<() => SnapshotStore>): void {
  test('gives nothing when nothing was stored', async () => {
    const open = await newPlace()
    assert.deepEqual(await loadAll(open()), [])
  })

  test('gives back what was stored to a process that starts later, in order and byte for byte', async () => {
    const open = await newPlace()
    const [base, first, second] = [baseFrame(10), deltaFrame(11), deltaFrame(14)]
    const store = open()
    await store.replace(framesOf(base))
    await store.append(first)
    await store.append(second)
    await store.close()
    assert.deepEqual(await loadAll(open()), [base, first, second])
  })

  test('replaces everything at once', async () => {
    const open = await newPlace()
    const store = open()
    await store.replace(framesOf(baseFrame(10), deltaFrame(11)))
    const [base, delta] = [baseFrame(20), deltaFrame(21)]
    await store.replace(framesOf(base, delta))
    assert.deepEqual(await loadAll(open()), [base, delta])
  })

  test('keeps the old snapshot when replacing fails half-way', async () => {
    const open = await newPlace()
    const store = open()
    await store.replace(framesOf(baseFrame(10)))
    async function* failing(): AsyncGenerator<SnapshotFrame> {
      yield baseFrame(20)
      throw new Error('the download broke')
    }
    await assert.rejects(store.replace(failing()), /the download broke/)
    assert.deepEqual(await revisionsOf(open()), [10])
    await store.append(deltaFrame(11))
    assert.deepEqual(await revisionsOf(open()), [10, 11])
  })

  test('appends after loading', async () => {
    const open = await newPlace()
    await open().replace(framesOf(baseFrame(10), deltaFrame(12)))
    const restarted = open()
    assert.deepEqual(await revisionsOf(restarted), [10, 12])
    await restarted.append(deltaFrame(13))
    assert.deepEqual(await revisionsOf(open()), [10, 12, 13])
  })

  test('refuses a delta before anything was stored or loaded, and one of another epoch', async () => {
    const open = await newPlace()
    await assert.rejects(open().append(deltaFrame(11)), { name: 'AppendRefused' })
    const store = open()
    await store.replace(framesOf(baseFrame(10)))
    await assert.rejects(store.append({ ...deltaFrame(11), epoch: 'b'.repeat(32) }), { name: 'AppendRefused' })
    await assert.rejects(store.replace(framesOf(deltaFrame(12))), { name: 'AppendRefused' })
    await assert.rejects(store.replace(framesOf()), { name: 'AppendRefused' })
    assert.deepEqual(await revisionsOf(open()), [10])
  })

  test('keeps all parts of a delta that came in several answers', async () => {
    const open = await newPlace()
    const store = open()
    await store.replace(framesOf(baseFrame(10)))
    for (const part of [deltaFrame(10, 'part 1'), deltaFrame(10, 'part 2'), deltaFrame(12, 'part 3')]) {
      await store.append(part)
    }
    assert.deepEqual(await revisionsOf(open()), [10, 10, 10, 12])
  })

  test('gives each delta once when several processes append the same', async () => {
    const open = await newPlace()
    const [first, second] = [open(), open()]
    await first.replace(framesOf(baseFrame(10)))
    assert.deepEqual(await revisionsOf(second), [10])
    for (const revision of [11, 12, 13]) {
      await Promise.all([first.append(deltaFrame(revision)), second.append(deltaFrame(revision))])
    }
    assert.deepEqual(await revisionsOf(open()), [10, 11, 12, 13])
  })

  test('never gives a delta whose forerunner is missing, because a lagging process replaced the snapshot', async () => {
    const open = await newPlace()
    const [ahead, lagging] = [open(), open()]
    await ahead.replace(framesOf(baseFrame(10), deltaFrame(12)))
    await lagging.replace(framesOf(baseFrame(8)))
    await ahead.append(deltaFrame(13)).catch((error: Error) => assert.equal(error.name, 'AppendRefused'))
    assert.deepEqual(await revisionsOf(open()), [8])
  })

  test('says what is stored, whoever has written it', async () => {
    const open = await newPlace()
    const [writing, watching] = [open(), open()]
    const told = async () => {
      const { revision, journalBytes } = (await watching.state()) ?? {}
      return [revision, journalBytes]
    }
    assert.equal(await watching.state(), null)
    await writing.replace(framesOf(baseFrame(10)))
    assert.deepEqual(await told(), [10, 0])
    const delta = deltaFrame(12)
    await writing.append(delta)
    const bytes = delta.chunks.reduce((sum, { length }) => sum + length, 0)
    assert.deepEqual(await told(), [12, bytes])
    await watching.append(deltaFrame(13))
    assert.deepEqual([(await writing.state())?.revision, await revisionsOf(open())], [13, [10, 12, 13]])
    await open().replace(framesOf(baseFrame(9)))
    assert.deepEqual(await told(), [9, 0])
  })

  test('a snapshot that a lagging process put back is brought forward by what follows it, not held back by what does not', async () => {
    const open = await newPlace()
    const [ahead, lagging] = [open(), open()]
    await ahead.replace(framesOf(baseFrame(8), deltaFrame(10)))
    await lagging.replace(framesOf(baseFrame(8)))
    await ahead.append(deltaFrame(11)).catch((error: Error) => assert.equal(error.name, 'AppendRefused'))
    await lagging.append(deltaFrame(12))
    assert.deepEqual(await revisionsOf(open()), [8, 12])
    assert.equal((await ahead.state())?.revision, 12)
    await ahead.append(deltaFrame(13))
    assert.deepEqual(await revisionsOf(open()), [8, 12, 13])
  })

  test('parts of a delta count one after the other and of one process', async () => {
    const open = await newPlace()
    const [first, second] = [open(), open()]
    await first.replace(framesOf(baseFrame(10)))
    await second.state()
    await first.append(deltaFrame(10, 'first, part 1'))
    await second.append(deltaFrame(10, 'second, part 1'))
    await first.append(deltaFrame(10, 'first, part 2'))
    await second.append(deltaFrame(12, 'second, part 2'))
    await first
      .append(deltaFrame(13, 'first, part 3'))
      .catch((error: Error) => assert.equal(error.name, 'AppendRefused'))
    const texts = (await loadAll(open())).slice(1).map(({ chunks }) => String(chunks[0]))
    assert.deepEqual(texts, ['first, part 1', 'second, part 1', 'second, part 2'])
    assert.equal((await open().state())?.revision, 12)
  })
}
