import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, suite, test } from 'node:test'
import { createSystemClock, type Clock } from '@gpt-load/service-kit/clock'
import { until } from '@gpt-load/testkit/until'
import type { LogProducer, SealedBatch } from '@gpt-load/transport/log-stream'
import { silentLogger } from '@gpt-load/transport/transport-logger'
import { createLogShipper } from '../../src/access-log/log-shipper.ts'
import { createLogSpool, type LogSpool, type LogSpoolOptions } from '../../src/access-log/spool/log-spool.ts'
import { encodeRecord, readRecords } from '../../src/access-log/spool/spool-record.ts'

const folders: string[] = []
after(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })))

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'gpt-load-spool-'))
  folders.push(folder)
  return folder
}

const batch = (first: number, bytes = 100, source = 'i.0'): SealedBatch => ({
  identity: { source, edge: 'e', firstSequence: first, count: 10 },
  bytes: Buffer.alloc(bytes, `batch ${first} `),
})
const many = (count: number, bytes?: number, from = 1) =>
  Array.from({ length: count }, (_, n) => batch(from + n * 10, bytes))
const firsts = (batches: readonly SealedBatch[]) => batches.map(({ identity }) => identity.firstSequence)

function openSpool(dir: string, more: Partial<LogSpoolOptions> = {}): LogSpool {
  return createLogSpool({
    dir,
    instance: 'me',
    maxBytes: 64 * 1_048_576,
    fsync: 'segment',
    takeOverAfterMs: 60_000,
    onTakenOver: () => undefined,
    clock: createSystemClock(),
    logger: silentLogger as never,
    ...more,
  })
}

/** All that there is, acknowledged as it comes. */
async function drain(spool: LogSpool): Promise<SealedBatch[]> {
  const all: SealedBatch[] = []
  for (let chunk = await spool.next(); chunk !== null; chunk = await spool.next()) {
    all.push(...chunk.batches.map(({ identity, bytes }) => ({ identity, bytes: Uint8Array.from(bytes) })))
    await spool.acknowledge()
  }
  return all
}

/** Its process did not touch it for longer than one that lives would. */
function abandon(folder: string): void {
  const then = Date.now() / 1_000 - 120
  utimesSync(folder, then, then)
}

function openProducer() {
  const received: SealedBatch[] = []
  const state = { isAway: true }
  const producer: LogProducer = {
    async send(batches) {
      if (state.isAway) throw new Error('no broker')
      received.push(...batches)
    },
    isConnected: () => !state.isAway,
    close: async () => {},
  }
  return { producer, received, state }
}
const ship = (producer: LogProducer, spool: LogSpool, maxRingBytes?: number) =>
  createLogShipper({
    producer,
    spool,
    codec: 'none',
    clock: createSystemClock(),
    logger: silentLogger as never,
    ...(maxRingBytes === undefined ? {} : { maxRingBytes }),
  })

suite('log spool', () => {
  test('gives back what it took, in order and byte for byte, and leaves nothing behind', async () => {
    const dir = newFolder()
    const spool = openSpool(dir)
    const given = [...many(40, 400_000), batch(9_001, 7)]
    for (let at = 0; at < given.length; at += 5) await spool.append(given.slice(at, at + 5))
    assert.equal(spool.counts.records, 410)
    assert.ok(readdirSync(join(dir, 'me')).length > 1, 'several segments')
    const first = await spool.next()
    assert.deepEqual(firsts((await spool.next())!.batches), firsts(first!.batches), 'the same until it is acknowledged')
    const back = await drain(spool)
    assert.deepEqual(firsts(back), firsts(given))
    assert.ok(back.every(({ bytes }, index) => Buffer.compare(bytes, given[index]!.bytes) === 0))
    assert.deepEqual([spool.isEmpty, spool.counts.records, spool.counts.bytes], [true, 0, 0])
    await spool.close()
    assert.deepEqual(readdirSync(dir), [])
  })

  test('a torn or damaged end costs what stands behind it only', async () => {
    for (const damage of ['torn', 'foreign'] as const) {
      const dir = newFolder()
      const folder = join(dir, 'dead')
      mkdirSync(folder)
      const path = join(folder, '00000001.open')
      writeFileSync(path, Buffer.concat(many(5).map(encodeRecord)))
      if (damage === 'torn') truncateSync(path, encodeRecord(batch(1)).length * 5 - 3)
      else appendFileSync(path, Buffer.alloc(50, 7))
      abandon(folder)
      const spool = openSpool(dir)
      await until(() => spool.counts.takenOver === 1, { what: 'the takeover' })
      assert.deepEqual(firsts(await drain(spool)), damage === 'torn' ? [1, 11, 21, 31] : [1, 11, 21, 31, 41])
      assert.equal(spool.counts.damaged, 1)
      await spool.close()
      assert.deepEqual(readdirSync(dir), [])
    }
  })

  test('what a killed process left is taken over by one other, what a living one has is not', async () => {
    const dir = newFolder()
    const killed = openSpool(dir, { instance: 'killed' })
    await killed.append(many(3))
    const living = openSpool(dir, { instance: 'living' })
    await living.append(many(2, 100, 5_001))
    abandon(join(dir, 'killed'))
    let told = 0
    const heirs = ['a', 'b'].map((instance) => openSpool(dir, { instance, onTakenOver: () => (told += 1) }))
    await until(() => told > 0, { what: 'the takeover' })
    const [a = [], b = []] = await Promise.all(heirs.map(drain))
    assert.deepEqual(firsts([...a, ...b]), [1, 11, 21])
    assert.ok(heirs.every(({ counts }) => counts.records === 0))
    assert.deepEqual(firsts(await drain(living)), [5_001, 5_011])
    await Promise.all([living, ...heirs].map((spool) => spool.close()))
  })

  test('what is taken over while a segment is read waits for the end of that one, and each is given once', async () => {
    const dir = newFolder()
    const spool = openSpool(dir, { takeOverAfterMs: 200 })
    await spool.append(many(8, 400_000))
    const begun = await spool.next()
    assert.ok(begun !== null && begun.isOwn && begun.batches.length < 8, 'the segment is read in parts')
    mkdirSync(join(dir, 'dead'))
    writeFileSync(join(dir, 'dead', '00000001.open'), Buffer.concat(many(3, 100, 5_001).map(encodeRecord)))
    abandon(join(dir, 'dead'))
    await until(() => spool.counts.takenOver === 1, { what: 'the takeover' })
    const given: [isOwn: boolean, first: number][] = []
    for (let chunk = await spool.next(); chunk !== null; chunk = await spool.next()) {
      const { isOwn } = chunk
      given.push(...firsts(chunk.batches).map((first): [boolean, number] => [isOwn, first]))
      await spool.acknowledge()
    }
    const own = firsts(many(8)).map((first): [boolean, number] => [true, first])
    assert.deepEqual(given, [...own, [false, 5_001], [false, 5_011], [false, 5_021]])
    assert.deepEqual([spool.counts.records, spool.counts.bytes, spool.counts.damaged], [0, 0, 0])
    await spool.close()
    assert.deepEqual(readdirSync(dir), [])
  })

  test('past its bound the oldest segment goes, counted', async () => {
    const spool = openSpool(newFolder(), { maxBytes: 20 * 1_048_576 })
    for (let turn = 0; turn < 60; turn += 1) await spool.append([batch(turn * 10 + 1, 1_000_000)])
    const { bytes, records, dropped } = spool.counts
    assert.ok(bytes <= 21 * 1_048_576)
    assert.deepEqual([records + dropped, dropped > 0], [600, true])
    const left = firsts(await drain(spool))
    assert.deepEqual([left.length * 10, left.at(-1)], [records, 591])
    await spool.close()
  })

  test('a disk that does not work is said so, left alone for ten seconds and tried again', async () => {
    const dir = newFolder()
    const blocked = join(dir, 'a-file')
    writeFileSync(blocked, '')
    const system = createSystemClock()
    let laterMs = 0
    const clock: Clock = { ...system, monotonicMs: () => system.monotonicMs() + laterMs }
    const spool = openSpool(blocked, { clock })
    await assert.rejects(spool.append([batch(1)]))
    assert.match(spool.trouble, /^E[A-Z]+$/)
    rmSync(blocked)
    await assert.rejects(spool.append([batch(1)]), /rests/)
    laterMs = 10_001
    await spool.append([batch(1)])
    assert.deepEqual([spool.trouble, firsts(await drain(spool))], ['', [1]])
    await spool.close()
  })

  test('a segment that somebody removed is counted as dropped, and the next one is read', async () => {
    const dir = newFolder()
    const spool = openSpool(dir)
    for (let turn = 0; turn < 20; turn += 1) await spool.append([batch(turn * 10 + 1, 1_000_000)])
    const [sealed] = readdirSync(join(dir, 'me')).filter((name) => name.endsWith('.segment'))
    rmSync(join(dir, 'me', sealed!))
    const left = await drain(spool)
    assert.ok(left.length > 0 && left.length < 20)
    const { records, dropped, damaged, bytes } = spool.counts
    assert.deepEqual([records, dropped, damaged, bytes, spool.isEmpty], [0, 200 - left.length * 10, 1, 0, true])
    await spool.close()
  })

  test('a disk that cannot be read is asked again after a while, not at once', async (t) => {
    const { producer } = openProducer()
    let reads = 0
    const unreadable: LogSpool = {
      append: async () => undefined,
      next: async () => {
        reads += 1
        throw new Error('EIO')
      },
      acknowledge: async () => undefined,
      isEmpty: false,
      trouble: '',
      counts: { records: 10, bytes: 100, dropped: 0, takenOver: 0, damaged: 0 },
      close: async () => undefined,
    }
    const shipper = ship(producer, unreadable)
    t.after(() => shipper.close())
    shipper.resume()
    await until(() => reads >= 2, { what: 'the second try' })
    assert.ok(reads < 10, String(reads))
  })

  const tmpfs = mountTmpfs()
  test(
    'a full disk loses nothing that it has said to keep',
    { skip: tmpfs === null && 'mounting needs root' },
    async () => {
      const spool = openSpool(tmpfs!)
      let kept = 0
      await assert.rejects(async () => {
        for (;;) {
          await spool.append([batch(kept * 10 + 1, 300_000)])
          kept += 1
        }
      })
      assert.equal(spool.trouble, 'ENOSPC')
      const back = firsts(await drain(spool))
      assert.deepEqual(back, firsts(many(kept)))
      await spool.close()
      execFileSync('umount', [tmpfs!])
    },
  )

  test('a record that is not whole yet is waited for, one that is wrong ends the reading', () => {
    const bytes = Buffer.concat(many(2).map(encodeRecord))
    const cut = readRecords(bytes.subarray(0, bytes.length - 1))
    assert.deepEqual([firsts(cut.batches), cut.isBroken], [[1], false])
    bytes[bytes.length - 1]! ^= 1
    const wrong = readRecords(bytes)
    assert.deepEqual([firsts(wrong.batches), wrong.isBroken], [[1], true])
  })
})

/** Two megabytes; null = not allowed here. */
function mountTmpfs(): string | null {
  const folder = newFolder()
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', folder], { stdio: 'ignore' })
    return folder
  } catch {
    return null
  }
}

suite('log shipper with a spool', () => {
  const add = (shipper: ReturnType<typeof ship>, from: number, count: number) => {
    for (const { identity } of many(count, 1, from)) shipper.add(identity, Buffer.alloc(1_000))
  }
  const distinct = (batches: readonly SealedBatch[]) => [...new Set(firsts(batches))].toSorted((a, b) => a - b)

  test('what waits too long, or is too much for memory, goes to disk and is sent when the stream is back', async (t) => {
    const { producer, received, state } = openProducer()
    const spool = openSpool(newFolder())
    const shipper = ship(producer, spool, 200_000)
    t.after(async () => {
      await shipper.close()
      await spool.close()
    })
    for (let turn = 0; turn < 10; turn += 1) {
      add(shipper, turn * 500 + 1, 50)
      await until(() => shipper.counts.ringBytes < 110_000, { what: 'room in memory', timeoutMs: 10_000 })
    }
    await until(() => shipper.counts.inFlight === 0, { what: 'all of it on disk', timeoutMs: 10_000 })
    assert.deepEqual([shipper.counts.spooled, shipper.counts.dropped], [5_000, 0])
    state.isAway = false
    add(shipper, 100_001, 1)
    await until(() => shipper.counts.acknowledged === 5_010, { what: 'the replay', timeoutMs: 10_000 })
    assert.deepEqual(distinct(received), [...firsts(many(500)), 100_001])
    // Acknowledged comes first, then the segment is removed.
    await until(() => spool.isEmpty, { what: 'the last segment to be removed', timeoutMs: 10_000 })
    assert.equal(shipper.counts.spooled, 0)
  })

  test('a send that nobody answers is on disk after half a second, and from then on everything at once', async (t) => {
    const { producer, received, state } = openProducer()
    const hanging = Promise.withResolvers<void>()
    const silent: LogProducer = { ...producer, send: () => hanging.promise }
    let current = silent
    const spool = openSpool(newFolder())
    const shipper = ship({ ...producer, send: (batches) => current.send(batches) }, spool)
    t.after(async () => {
      await shipper.close()
      await spool.close()
    })
    const startedAt = performance.now()
    add(shipper, 1, 5)
    await until(() => shipper.counts.spooled === 50, { what: 'the records on disk', timeoutMs: 3_000 })
    const tookMs = performance.now() - startedAt
    assert.ok(tookMs >= 490 && tookMs < 2_000, `${tookMs} ms`)
    // The second send hangs too; what comes now does not wait for it.
    add(shipper, 1_001, 5)
    await until(() => shipper.counts.inFlight === 0, { what: 'the next ones on disk', timeoutMs: 400 })
    assert.equal(shipper.counts.spooled, 100)
    current = producer
    state.isAway = false
    hanging.reject(new Error('timed out'))
    await until(() => shipper.counts.acknowledged === 100, { what: 'the replay', timeoutMs: 5_000 })
    assert.deepEqual(distinct(received), [...firsts(many(5)), ...firsts(many(5, 1, 1_001))])
  })

  test('an end without a broker keeps all records for the next process, which sends them without being asked', async () => {
    const dir = newFolder()
    const first = openProducer()
    const spool = openSpool(dir, { instance: 'first' })
    const shipper = ship(first.producer, spool)
    add(shipper, 1, 20)
    assert.equal(await shipper.flush(1_000), true)
    await shipper.close()
    assert.deepEqual([shipper.counts.inFlight, shipper.counts.spooled], [0, 200])
    await spool.close()
    abandon(join(dir, 'first'))

    const second = openProducer()
    second.state.isAway = false
    const nextSpool = openSpool(dir, { instance: 'second', onTakenOver: () => next.resume() })
    const next = ship(second.producer, nextSpool)
    await until(() => next.counts.recovered === 200, { what: 'the records of the first one', timeoutMs: 10_000 })
    assert.deepEqual(distinct(second.received), firsts(many(20)))
    assert.deepEqual([next.counts.served, next.counts.acknowledged], [0, 0])
    await next.close()
    await nextSpool.close()
  })
})
