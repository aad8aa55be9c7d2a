import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { maxChunkBytes } from '@gpt-load/contracts/snapshot'
import type { SnapshotRecord } from '@gpt-load/contracts/snapshot'
import { createChunkSplitter, frameChunk, splitChunks } from '../src/chunk-splitter.ts'
import { createContentKey, unwrapContentKey, wrapContentKey } from '../src/content-key.ts'
import { ChunkRefused, createChunkOpener, createChunkWriter, emptyChain, openChunks } from '../src/snapshot-chunk.ts'

const epoch = 'a'.repeat(32)
const meta: SnapshotRecord = { t: 'meta', epoch, revision: 12, server_time_ms: 1 }

function keysRecord(first: number, count: number): SnapshotRecord {
  const rows = Array.from({ length: count }, (_, i) => keyRow(first + i))
  return { t: 'keys', group_id: 1, rows }
}

function keyRow(id: number): [number, number, number, number, number, number, string] {
  return [id, 0, 0, 1, 0, 100, `sk-${randomBytes(36).toString('base64url')}`]
}

function removed(...ids: number[]): SnapshotRecord {
  return { t: 'removed', kind: 'key', ids }
}

function seal(records: readonly SnapshotRecord[], contentKey = createContentKey(), sealedEpoch = epoch) {
  const writer = createChunkWriter({ contentKey, epoch: sealedEpoch })
  const chunks = records.flatMap((record) => writer.write(record))
  chunks.push(writer.finish())
  return { chunks, contentKey, writer }
}

async function open(contentKey: Uint8Array, chunks: Iterable<Uint8Array>, openedEpoch = epoch) {
  return await Array.fromAsync(openChunks(contentKey, openedEpoch, chunks))
}

const several = [meta, ...Array.from({ length: 60 }, (_, i) => keysRecord(i * 500, 500))]

describe('sealed chunks', () => {
  test('give back all records in order, in chunks within their bound', async () => {
    const { chunks, contentKey, writer } = seal(several)
    assert.ok(chunks.length > 2)
    assert.ok(chunks.every((chunk) => chunk.length <= maxChunkBytes))
    assert.deepEqual(await open(contentKey, chunks), several)
    assert.equal(writer.chunkCount, chunks.length)
    assert.equal(
      writer.sealedBytes,
      chunks.reduce((sum, chunk) => sum + chunk.length, 0),
    )
  })

  test('give back no record from an empty stream', async () => {
    const { chunks, contentKey } = seal([])
    assert.equal(chunks.length, 1)
    assert.deepEqual(await open(contentKey, chunks), [])
  })

  test('carry a record that is larger than a chunk', async () => {
    const large: SnapshotRecord = { t: 'removed', kind: 'key', ids: Array.from({ length: 400_000 }, (_, i) => i) }
    const records = [meta, large, removed(1)]
    const { chunks, contentKey } = seal(records)
    assert.ok(chunks.length >= 3)
    assert.deepEqual(await open(contentKey, chunks), records)
  })

  test('end in the same chain for writer and reader, the SHA-256 links of a manifest', () => {
    const { chunks, contentKey, writer } = seal(several)
    const opener = createChunkOpener({ contentKey, epoch })
    for (const chunk of chunks) opener.open(chunk)
    opener.end()
    assert.deepEqual(opener.chain, writer.chain)
    assert.notDeepEqual(writer.chain, emptyChain)
  })

  test('show nothing of a secret', () => {
    const { chunks } = seal([{ t: 'keys', group_id: 1, rows: [[1, 0, 0, 1, 0, 100, 'sk-canary-secret']] }])
    assert.equal(Buffer.concat(chunks).includes('canary'), false)
  })

  test('are refused when reordered, repeated, left out in the middle or cut off at the end', async () => {
    const { chunks, contentKey } = seal(several)
    const [first, second] = chunks
    assert.ok(first && second)
    const outOfOrder = { name: 'ChunkRefused', message: /out of order, belongs to another snapshot or was changed/ }
    await assert.rejects(open(contentKey, [second, first, ...chunks.slice(2)]), outOfOrder)
    await assert.rejects(open(contentKey, [first, first, ...chunks.slice(1)]), outOfOrder)
    await assert.rejects(open(contentKey, [first, ...chunks.slice(2)]), outOfOrder)
    await assert.rejects(open(contentKey, chunks.slice(0, -1)), {
      name: 'ChunkRefused',
      message: /its last is missing/,
    })
    await assert.rejects(open(contentKey, []), ChunkRefused)
    await assert.rejects(open(contentKey, [...chunks, first]), {
      name: 'ChunkRefused',
      message: /follows the last one/,
    })
  })

  test('are refused under another key, another epoch or another start of the chain', async () => {
    const { chunks, contentKey } = seal([meta])
    await assert.rejects(open(createContentKey(), chunks), ChunkRefused)
    await assert.rejects(open(contentKey, chunks, 'b'.repeat(32)), ChunkRefused)
    await assert.rejects(Array.fromAsync(openChunks(contentKey, epoch, chunks, randomBytes(32))), ChunkRefused)
  })

  test('are refused when any byte changed', async () => {
    const { chunks, contentKey } = seal([meta])
    const [only] = chunks
    assert.ok(only)
    for (let i = 0; i < only.length; i++) {
      const changed = Uint8Array.from(only)
      changed[i] = (changed[i] ?? 0) ^ 1
      await assert.rejects(open(contentKey, [changed]), ChunkRefused, `byte ${i}`)
    }
  })
})

describe('chunk splitter', () => {
  test('gives back the chunks however the body was cut into pieces', () => {
    const chunk = fc.uint8Array({ minLength: 1, maxLength: 50 })
    fc.assert(
      fc.property(
        fc.array(chunk, { maxLength: 8 }),
        fc.infiniteStream(fc.integer({ min: 1, max: 20 })),
        (chunks, sizes) => {
          const body = Buffer.concat(chunks.map(frameChunk))
          const splitter = createChunkSplitter()
          const found: Uint8Array[] = []
          for (let at = 0; at < body.length;) {
            const size = sizes.next().value ?? 1
            found.push(...splitter.push(body.subarray(at, at + size)))
            at += size
          }
          splitter.end()
          assert.deepEqual(
            found.map((one) => [...one]),
            chunks.map((one) => [...one]),
          )
        },
      ),
    )
  })

  test('refuses a body that ends in the middle of a chunk', async () => {
    const body = frameChunk(Uint8Array.of(1, 2, 3))
    const pieces = (length: number) => Array.fromAsync(splitChunks(asBody(body.subarray(0, length))))
    for (const length of [1, 4, 6]) await assert.rejects(pieces(length), ChunkRefused)
    assert.equal((await pieces(7)).length, 1)
    assert.equal((await pieces(0)).length, 0)
  })

  test('refuses a length that no chunk can have, before it allocates it', () => {
    const before = process.memoryUsage().arrayBuffers
    assert.throws(() => createChunkSplitter().push(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 1)), ChunkRefused)
    assert.throws(() => createChunkSplitter().push(Uint8Array.of(0, 0, 0, 0)), ChunkRefused)
    assert.ok(process.memoryUsage().arrayBuffers - before < maxChunkBytes)
  })
})

describe('wrapped content key', () => {
  test('opens with each accepted token and with no other', () => {
    const contentKey = createContentKey()
    const wrapped = wrapContentKey(contentKey, ['token-of-today', 'token-of-tomorrow'])
    assert.equal(wrapped.length, 2)
    assert.deepEqual(unwrapContentKey(wrapped, 'token-of-today'), Buffer.from(contentKey))
    assert.deepEqual(unwrapContentKey(wrapped, ['unknown', 'token-of-tomorrow']), Buffer.from(contentKey))
    assert.equal(unwrapContentKey(wrapped, 'token-of-yesterday'), null)
  })

  test('is refused when it was changed, cut or is not base64', () => {
    const [entry] = wrapContentKey(createContentKey(), ['token'])
    assert.ok(entry)
    const changed = Buffer.from(entry, 'base64')
    changed[20] = (changed[20] ?? 0) ^ 1
    assert.equal(unwrapContentKey([changed.toString('base64'), entry.slice(0, 40), '', '***'], 'token'), null)
    assert.notEqual(unwrapContentKey(['', entry], 'token'), null)
  })

  test('differs each time, so that equal keys cannot be told from outside', () => {
    const contentKey = createContentKey()
    assert.notDeepEqual(wrapContentKey(contentKey, ['token']), wrapContentKey(contentKey, ['token']))
  })
})

async function* asBody(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}
