import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { createSystemClock } from '@gpt-load/service-kit/clock'
import { until } from '@gpt-load/testkit/until'
import type { LogProducer } from '@gpt-load/transport/log-stream'
import { silentLogger } from '@gpt-load/transport/transport-logger'
import { createLogShipper } from '../../src/access-log/log-shipper.ts'
import { createLogSpool } from '../../src/access-log/spool/log-spool.ts'

// Half an hour without a broker, by volume. Long form (npm run soak): 2,000,000 events.

const isLong = process.env['GPTLOAD_TEST_LONG'] === '1'
const events = isLong ? 2_000_000 : 600_000
const perBatch = 1_000
/** Of a record on the wire; nothing that compression could make small. */
const bytesPerEvent = 250
const mebibyte = 1_048_576
const ringBytes = 8 * mebibyte
/** The ring, a chunk that is read and one that is written, and what the collector has not taken yet: 70-95 MiB at any volume. */
const maxGrowthBytes = 120 * mebibyte

test(`${events} events go to disk and come back once, in order, in a memory that is a part of them`, async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'gpt-load-volume-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  let isAway = true
  let received = 0
  let lastSequence = 0
  let disorder = 0
  let peakBytes = 0
  const producer: LogProducer = {
    async send(batches) {
      if (isAway) throw new Error('no broker')
      for (const { identity } of batches) {
        received += identity.count
        if (identity.firstSequence !== lastSequence + 1) disorder += 1
        lastSequence = identity.firstSequence + identity.count - 1
      }
      peakBytes = Math.max(peakBytes, process.memoryUsage.rss())
    },
    isConnected: () => !isAway,
    close: async () => {},
  }
  const common = { clock: createSystemClock(), logger: silentLogger as never }
  const spool = createLogSpool({
    ...common,
    dir,
    instance: 'me',
    maxBytes: 2_048 * mebibyte,
    fsync: 'segment',
    takeOverAfterMs: 60_000,
    onTakenOver: () => undefined,
  })
  const shipper = createLogShipper({ ...common, producer, spool, codec: 'none', maxRingBytes: ringBytes })
  t.after(async () => {
    await shipper.close()
    await spool.close()
  })
  const payload = randomBytes(perBatch * bytesPerEvent)
  const before = process.memoryUsage.rss()
  for (let first = 1; first <= events; first += perBatch) {
    shipper.add({ source: 'i.1', edge: 'e', firstSequence: first, count: perBatch }, payload)
    peakBytes = Math.max(peakBytes, process.memoryUsage.rss())
    while (shipper.counts.ringBytes > ringBytes / 2) await turn()
  }
  await until(() => shipper.counts.spooled === events, { what: 'all of it on disk', timeoutMs: 60_000 })
  assert.ok(spool.counts.bytes > events * bytesPerEvent)
  isAway = false
  await until(() => shipper.counts.acknowledged === events, { what: 'the replay', timeoutMs: 600_000 })
  const { dropped, inFlight } = shipper.counts
  assert.deepEqual([received, disorder, dropped, inFlight], [events, 0, 0, 0])
  const growth = peakBytes - before
  const shown = [growth, events * bytesPerEvent].map((bytes) => (bytes / mebibyte).toFixed(0))
  process.stdout.write(`measured: ${shown[0]} MiB more memory for a spool of ${shown[1]} MiB\n`)
  assert.ok(growth < maxGrowthBytes, `${(growth / mebibyte).toFixed(0)} MiB`)
})
