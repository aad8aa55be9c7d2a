import assert from 'node:assert/strict'
import { appendFile, mkdtemp, readdir, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { createFileSnapshotStore } from '../src/file-snapshot-store.ts'
import { baseFrame, deltaFrame, describeSnapshotStore, framesOf, revisionsOf } from './snapshot-store-behaviour.ts'

const dirs: string[] = []
after(() => Promise.all(dirs.map((dir) => rm(dir, { recursive: true, force: true }))))

async function newDir(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'gpt-load-snapshot-'))
  dirs.push(dir)
  return dir
}

describe('file snapshot store', () => {
  describeSnapshotStore(async () => {
    const dir = join(await newDir(), 'made', 'on', 'demand')
    return () => createFileSnapshotStore({ dir })
  })

  test('leaves out a torn last frame, wherever it was torn, and appends after it', async () => {
    const dir = await newDir()
    const path = join(dir, 'snapshot')
    const store = createFileSnapshotStore({ dir })
    await store.replace(framesOf(baseFrame(10, [Buffer.from('base')])))
    const whole = await stat(path)
    await store.append(deltaFrame(11))
    const bytes = await readFile(path)
    for (let length = whole.size; length < bytes.length; length += 7) {
      await writeFile(path, bytes.subarray(0, length))
      const restarted = createFileSnapshotStore({ dir })
      assert.deepEqual(await revisionsOf(restarted), [10], `torn at ${length}`)
      await restarted.append(deltaFrame(12))
      assert.deepEqual(await revisionsOf(createFileSnapshotStore({ dir })), [10, 12], `torn at ${length}`)
    }
  })

  test('gives nothing that comes after a damaged delta', async () => {
    const dir = await newDir()
    const path = join(dir, 'snapshot')
    const store = createFileSnapshotStore({ dir })
    await store.replace(framesOf(baseFrame(10), deltaFrame(11, 'to be damaged'), deltaFrame(12)))
    const bytes = await readFile(path)
    bytes[bytes.indexOf('to be damaged')] = 0
    await writeFile(path, bytes)
    assert.deepEqual(await revisionsOf(createFileSnapshotStore({ dir })), [10])
  })

  test('gives nothing of a delta that has lost a part in its middle', async () => {
    const dir = await newDir()
    const path = join(dir, 'snapshot')
    const store = createFileSnapshotStore({ dir })
    await store.replace(
      framesOf(baseFrame(10), deltaFrame(10, 'part 1'), deltaFrame(10, 'part 2'), deltaFrame(12, 'part 3')),
    )
    const bytes = await readFile(path)
    bytes[bytes.indexOf('part 2')] = 0
    await writeFile(path, bytes)
    const reader = createFileSnapshotStore({ dir })
    assert.deepEqual([await revisionsOf(reader), (await reader.state())?.revision], [[10, 10], 10])
    await reader.append(deltaFrame(12))
    assert.deepEqual(await revisionsOf(createFileSnapshotStore({ dir })), [10, 10, 12])
  })

  test('gives nothing, and does not fail, when the file is not a snapshot', async () => {
    const dir = await newDir()
    await writeFile(join(dir, 'snapshot'), 'GLSF\xff\xff\xff\xff not ours GLSF', 'latin1')
    assert.deepEqual(await revisionsOf(createFileSnapshotStore({ dir })), [])
  })

  test('writes a base as it arrives, and reads it chunk by chunk', async () => {
    const dir = await newDir()
    const path = join(dir, 'snapshot')
    const chunk = Buffer.alloc(100_000, 'x')
    const written: number[] = []
    async function* arriving(): AsyncGenerator<Uint8Array> {
      for (let n = 0; n < 3; n += 1) {
        const [name] = await readdir(dir)
        written.push(name === undefined ? 0 : (await stat(join(dir, name))).size)
        yield chunk
      }
    }
    await createFileSnapshotStore({ dir }).replace(framesOf({ ...baseFrame(10), chunks: arriving() }))
    assert.deepEqual([written[1]! > chunk.length, written[2]! - written[1]!], [true, chunk.length])

    for await (const { chunks } of createFileSnapshotStore({ dir }).load()) {
      const readOn = async () => {
        for await (const _chunk of chunks) await truncate(path, 1_000)
      }
      await assert.rejects(readOn, /cut off/)
    }
  })

  test('can be read by its owner only', async () => {
    const dir = await newDir()
    await createFileSnapshotStore({ dir }).replace(framesOf(baseFrame(10)))
    assert.equal((await stat(join(dir, 'snapshot'))).mode & 0o777, 0o600)
  })

  test('clears away what a process left that died while replacing, but not what one is writing', async () => {
    const dir = await newDir()
    await appendFile(join(dir, 'snapshot.1.dead.tmp'), 'x')
    await utimes(join(dir, 'snapshot.1.dead.tmp'), new Date(0), new Date(0))
    await appendFile(join(dir, 'snapshot.2.alive.tmp'), 'x')
    await createFileSnapshotStore({ dir }).replace(framesOf(baseFrame(10)))
    assert.deepEqual((await readdir(dir)).sort(), ['snapshot', 'snapshot.2.alive.tmp'])
  })
})
