// The last good snapshot in Redis, shared by all edges of an installation. A generation is a list of heads and one key per
// chunk; the pointer names the generation that counts and is switched atomically, so a reader never sees half of one.
// All keys share a hash tag: in a Cluster they live on one node, where the scripts below may touch them together.
//
//   {prefix snapshot}           -> generation          {…}:{generation}:heads  -> list of heads (JSON)
//   {…}:generations             -> zset by birth       {…}:{generation}:{n}:{i} -> chunk i of the frame with number n
//
// Keys have no time to live: the snapshot must outlast any outage. What a dead writer left is removed by the next one.

import { randomBytes } from 'node:crypto'
import { createInOrder } from './in-order.ts'
import { createRedisClient, untilRedisReady } from './redis-client.ts'
import type { RedisClient } from './redis-client.ts'
import type { RedisConnection } from './redis-connection.ts'
import {
  AppendRefused,
  checkFollows,
  isCounted,
  frameOf,
  headOf,
  parseHead,
  progressAfter,
  stateAfter,
} from './snapshot-frame.ts'
import type { SnapshotProgress, StoredHead, StoredState } from './snapshot-frame.ts'
import type { SnapshotFrame, SnapshotStore } from './snapshot-store.ts'
import type { TransportLogger } from './transport-logger.ts'

export type RedisSnapshotStoreOptions = {
  connection: RedisConnection
  keyPrefix: string
  logger?: TransportLogger
}

type NumberedHead = { number: string; head: StoredHead }

/** A chunk is a mebibyte at most; this is for a slow link. */
const commandTimeoutMs = 5_000
const readyTimeoutMs = 3_000
/** No writer takes so long to replace a snapshot; generations that are older and not pointed at are litter. */
const staleGenerationMs = 3_600_000
const maxLoadAttempts = 3
const deletesPerCommand = 500

/** KEYS heads, pointer; ARGV generation, entry, revision, after. The entry goes in only when it brings something new. */
const appendScript = `
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 'gone' end
local last = cjson.decode(redis.call('LINDEX', KEYS[1], -1)).head
local revision, after = tonumber(ARGV[3]), tonumber(ARGV[4])
if after > last.revision then return 'gap' end
if revision < last.revision or (revision == last.revision and after < revision) then return 'known' end
redis.call('RPUSH', KEYS[1], ARGV[2])
return 'added'`

export function createRedisSnapshotStore(options: RedisSnapshotStoreOptions): SnapshotStore {
  const client = createRedisClient({ ...options, name: 'gptload-snapshot-store', commandTimeoutMs })
  const keys = keyNames(options.keyPrefix)
  const writer = randomBytes(8).toString('hex')
  /** What this process knows to be stored. */
  let reached: SnapshotProgress | undefined
  /** The heads of a generation that were looked at. */
  let seen: { generation: string; heads: number; state: StoredState | undefined } | undefined
  const inOrder = createInOrder()

  async function* load(): AsyncGenerator<SnapshotFrame> {
    reached = undefined
    await untilRedisReady(client, readyTimeoutMs)
    const generation = await client.get(keys.pointer)
    if (!generation) return
    for (const { number, head } of await readHeads(client, keys.heads(generation))) {
      if (!isCounted(head, reached)) continue
      const chunks = await readChunks(client, keys, generation, number, head)
      if (!chunks) return
      reached = progressAfter(head)
      yield frameOf(head, chunks)
    }
  }

  const look = async (): Promise<StoredState | null> => {
    await untilRedisReady(client, readyTimeoutMs)
    const generation = (await client.get(keys.pointer)) ?? ''
    if (seen?.generation !== generation) seen = { generation, heads: 0, state: undefined }
    const found = generation === '' ? [] : await readHeads(client, keys.heads(generation), seen.heads)
    const state = found.reduce((reachedSoFar, { head }) => stateAfter(head, reachedSoFar), seen.state)
    seen = { generation, heads: seen.heads + found.length, state }
    reached = state
    return state ?? null
  }

  /** A generation that is replaced while its base is read is gone half-way: then the new one is read. */
  async function* loadNewest(): AsyncGenerator<SnapshotFrame> {
    for (let attempt = 1; attempt <= maxLoadAttempts; attempt++) {
      let isEmpty = true
      for await (const frame of load()) {
        isEmpty = false
        yield frame
      }
      if (!isEmpty) return
    }
  }

  const replace = async (frames: AsyncIterable<SnapshotFrame>): Promise<void> => {
    await untilRedisReady(client, readyTimeoutMs)
    const generation = randomBytes(8).toString('hex')
    await client.zadd(keys.generations, Date.now(), generation)
    let progress: SnapshotProgress | undefined
    for await (const frame of frames) {
      checkFollows(frame, progress)
      const chunks = await Array.fromAsync(frame.chunks)
      const head = headOf(frame, chunks.map(lengthOf), { reached: progress, writer })
      progress = progressAfter(head)
      // The head goes first: it names the chunks to whoever has to clear away a generation that was never finished.
      const number = newNumber()
      await client.rpush(keys.heads(generation), JSON.stringify({ number, head }))
      await writeChunks(client, keys, generation, number, chunks)
    }
    if (!progress) throw new AppendRefused('a snapshot has at least a base')
    const former = await client.getset(keys.pointer, generation)
    reached = progress
    if (former) await removeGeneration(client, keys, former)
    await removeLitter(client, keys)
  }

  const append = async (frame: SnapshotFrame): Promise<void> => {
    checkFollows(frame, reached)
    const chunks = await Array.fromAsync(frame.chunks)
    const head = headOf(frame, chunks.map(lengthOf), { reached, writer })
    await untilRedisReady(client, readyTimeoutMs)
    const generation = await client.get(keys.pointer)
    if (!generation) throw new AppendRefused('there is no snapshot to append to')
    const number = newNumber()
    await writeChunks(client, keys, generation, number, chunks)
    const entry = JSON.stringify({ number, head })
    const verdict = await client.eval(
      appendScript,
      2,
      keys.heads(generation),
      keys.pointer,
      generation,
      entry,
      head.revision,
      head.after,
    )
    if (verdict === 'added') return void (reached = progressAfter(head))
    await removeChunks(client, keys, generation, number, chunks.length)
    if (verdict === 'gap') throw new AppendRefused('the stored snapshot is older than what this delta follows')
    if (verdict === 'gone') throw new AppendRefused('the stored snapshot was just replaced')
    reached = progressAfter(head)
  }

  return {
    state: () => inOrder(look),
    load: loadNewest,
    replace: (frames) => inOrder(() => replace(frames)),
    append: (frame) => inOrder(() => append(frame)),
    async close() {
      client.disconnect()
    },
  }
}

const lengthOf = ({ length }: Uint8Array): number => length

type KeyNames = ReturnType<typeof keyNames>

function keyNames(prefix: string) {
  const tag = `{${prefix}snapshot}`
  return {
    pointer: tag,
    generations: `${tag}:generations`,
    heads: (generation: string) => `${tag}:${generation}:heads`,
    chunk: (generation: string, number: string, index: number) => `${tag}:${generation}:${number}:${index}`,
  }
}

/** Unlike a position in the list, it is known before the frame has one. */
function newNumber(): string {
  return randomBytes(6).toString('hex')
}

async function readHeads(client: RedisClient, key: string, from = 0): Promise<NumberedHead[]> {
  const heads: NumberedHead[] = []
  for (const entry of await client.lrange(key, from, -1)) {
    const { number, head } = JSON.parse(entry) as { number: string; head: unknown }
    const parsed = parseHead(JSON.stringify(head))
    if (!parsed) break
    heads.push({ number, head: parsed })
  }
  return heads
}

async function readChunks(
  client: RedisClient,
  keys: KeyNames,
  generation: string,
  number: string,
  head: StoredHead,
): Promise<Uint8Array[] | undefined> {
  const chunks: Uint8Array[] = []
  for (const [index, bytes] of head.chunk_bytes.entries()) {
    const chunk = await client.getBuffer(keys.chunk(generation, number, index))
    if (chunk?.length !== bytes) return undefined
    chunks.push(chunk)
  }
  return chunks
}

async function writeChunks(
  client: RedisClient,
  keys: KeyNames,
  generation: string,
  number: string,
  chunks: readonly Uint8Array[],
): Promise<void> {
  for (const [index, chunk] of chunks.entries()) {
    await client.set(keys.chunk(generation, number, index), Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length))
  }
}

async function removeChunks(
  client: RedisClient,
  keys: KeyNames,
  generation: string,
  number: string,
  count: number,
): Promise<void> {
  const names = Array.from({ length: count }, (_, index) => keys.chunk(generation, number, index))
  for (let at = 0; at < names.length; at += deletesPerCommand) {
    await client.unlink(...names.slice(at, at + deletesPerCommand))
  }
}

async function removeGeneration(client: RedisClient, keys: KeyNames, generation: string): Promise<void> {
  for (const { number, head } of await readHeads(client, keys.heads(generation))) {
    await removeChunks(client, keys, generation, number, head.chunk_bytes.length)
  }
  await client.unlink(keys.heads(generation))
  await client.zrem(keys.generations, generation)
}

async function removeLitter(client: RedisClient, keys: KeyNames): Promise<void> {
  const pointed = await client.get(keys.pointer)
  const stale = await client.zrangebyscore(keys.generations, '-inf', Date.now() - staleGenerationMs)
  for (const generation of stale) if (generation !== pointed) await removeGeneration(client, keys, generation)
}
