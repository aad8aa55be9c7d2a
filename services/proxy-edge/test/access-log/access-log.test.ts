import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { logBatchBounds } from '@gpt-load/contracts/log-event'
import type { LogBatchIdentity, LogEvent } from '@gpt-load/contracts/log-event'
import { createSystemClock } from '@gpt-load/service-kit/clock'
import { until } from '@gpt-load/testkit/until'
import { openLogBatch, sealLogBatch } from '@gpt-load/transport/log-batch/log-batch'
import type { LogProducer, SealedBatch } from '@gpt-load/transport/log-stream'
import { silentLogger } from '@gpt-load/transport/transport-logger'
import { createLogShipper } from '../../src/access-log/log-shipper.ts'
import { payloadRoom, release, type RecordMemory } from '../../src/access-log/record-memory.ts'
import { createWorkerRequestRecorder } from '../../src/access-log/worker-request-recorder.ts'

const event = (requestId: string): LogEvent => ({
  sequence: 0,
  requestId,
  receivedAtMs: 1_800_000_000_000,
  groupId: 1,
  groupName: 'g',
  memberGroupId: 0,
  memberGroupName: '',
  channel: 'openai',
  method: 'POST',
  requestPath: '/v1/chat/completions',
  modelRequested: 'm',
  modelSent: 'm',
  isStream: false,
  accessKeyId: 1,
  clientAddress: '127.0.0.1',
  userAgent: 't',
  status: 200,
  errorClass: '',
  errorCode: '',
  errorMessage: '',
  endReason: 'complete',
  firstByteMs: 1,
  firstTokenMs: -1,
  durationMs: 2,
  bytesIn: 1,
  bytesOut: 2,
  tokens: { input: 1, output: 1, cached: -1, reasoning: -1 },
  attempts: [],
  isSampledOut: false,
})

function openRecorder() {
  const posted: { identity: LogBatchIdentity; memory: RecordMemory; events: Uint8Array }[] = []
  let due: (() => void) | null = null
  const recorder = createWorkerRequestRecorder({
    source: 'i.0',
    edge: 'edge-1',
    post: (identity, memory, bytes) =>
      void posted.push({ identity, memory, events: payloadRoom(memory).subarray(0, bytes) }),
    schedule: (run) => {
      due = run
      return () => (due = null)
    },
  })
  return { recorder, posted, elapse: () => due?.() }
}

/** A producer that can be away, or take a batch and lose the acknowledgement. */
function openProducer() {
  const received: SealedBatch[] = []
  const state = { isAway: false, lostAcknowledgements: 0, sends: 0 }
  const producer: LogProducer = {
    async send(batches) {
      state.sends += 1
      if (state.isAway) throw new Error('no broker')
      received.push(...batches)
      if (state.lostAcknowledgements-- > 0) throw new Error('the acknowledgement was lost')
    },
    isConnected: () => !state.isAway,
    close: async () => {},
  }
  return { producer, received, state }
}

function firstIdOf({ identity, events }: { identity: LogBatchIdentity; events: Uint8Array }): string {
  const batch = openLogBatch(sealLogBatch({ identity, events, codec: 'none' }))
  assert.ok('events' in batch && batch.events[0]?.ok)
  return batch.events[0].event.requestId
}

const requestIds = (batches: readonly SealedBatch[]) => {
  const identities = new Set<string>()
  return batches.flatMap(({ bytes }) => {
    const batch = openLogBatch(bytes)
    assert.ok('events' in batch)
    const key = `${batch.identity.source}:${batch.identity.firstSequence}`
    if (identities.has(key)) return []
    identities.add(key)
    return batch.events.map((entry) => (entry.ok ? entry.event.requestId : ''))
  })
}

describe('request recorder', () => {
  test('numbers events without a gap and seals by count, bytes and time', () => {
    const { recorder, posted, elapse } = openRecorder()
    for (let n = 0; n < logBatchBounds.events + 5; n += 1) recorder.record(event(`r${n}`))
    assert.equal(posted.length, 1)
    elapse()
    assert.deepEqual(
      posted.map(({ identity }) => [identity.firstSequence, identity.count]),
      [
        [1, logBatchBounds.events],
        [logBatchBounds.events + 1, 5],
      ],
    )
    for (let n = 0; posted.length < 3; n += 1) recorder.record({ ...event(`big${n}`), requestPath: 'x'.repeat(2_000) })
    assert.ok(posted[2]!.events.length >= logBatchBounds.bytes)
    assert.ok(posted[2]!.identity.count < logBatchBounds.events)
    assert.equal(
      recorder.served,
      posted.reduce((sum, { identity }) => sum + identity.count, 0),
    )
  })

  test('memory that was handed over is written again when it is released, not before', () => {
    const { recorder, posted } = openRecorder()
    const hand = (id: string) => {
      recorder.record(event(id))
      recorder.flush()
      return posted.at(-1)!
    }
    // More of them than are kept: nobody seals.
    const ids = ['a', 'b', 'c', 'd', 'e']
    const held = ids.map(hand)
    assert.equal(new Set(held.map(({ memory }) => memory)).size, ids.length)
    assert.deepEqual(held.map(firstIdOf), ids)
    for (const { memory } of held) release(memory)
    const later = ['f', 'g', 'h', 'i', 'j'].map((id) => {
      const { memory } = hand(id)
      release(memory)
      return memory
    })
    // First what was being filled meanwhile, then two in turns.
    const again = new Set(later.slice(1))
    assert.equal(again.size, 2)
    assert.ok(held.filter(({ memory }) => again.has(memory)).length === 2)
  })

  test('a main thread that lags behind all the time has no new memory made for it', () => {
    const { recorder, posted } = openRecorder()
    const lag = 5
    for (let n = 0; n < 500; n += 1) {
      recorder.record(event(`r${n}`))
      recorder.flush()
      if (n >= lag) release(posted[n - lag]!.memory)
    }
    assert.ok(new Set(posted.map(({ memory }) => memory)).size <= lag + 2)
  })
})

describe('log shipper', () => {
  const ship = (producer: LogProducer, maxRingBytes?: number) =>
    createLogShipper({
      producer,
      codec: 'zstd',
      clock: createSystemClock(),
      logger: silentLogger as never,
      ...(maxRingBytes === undefined ? {} : { maxRingBytes }),
    })
  function fill(shipper: ReturnType<typeof ship>, batches: number, perBatch = 10): string[] {
    const ids: string[] = []
    const recorder = createWorkerRequestRecorder({
      source: 'i.0',
      edge: 'e',
      post: (identity, memory, bytes) => {
        shipper.add(identity, payloadRoom(memory).subarray(0, bytes))
        release(memory)
      },
      schedule: () => () => {},
    })
    for (let n = 0; n < batches; n += 1) {
      for (let m = 0; m < perBatch; m += 1) {
        ids.push(`r${n}-${m}`)
        recorder.record(event(`r${n}-${m}`))
      }
      recorder.flush()
    }
    return ids
  }

  test('loses nothing over an outage and lost acknowledgements; resends are byte-identical', async () => {
    const { producer, received, state } = openProducer()
    const shipper = ship(producer)
    state.isAway = true
    state.lostAcknowledgements = 2
    const ids = fill(shipper, 300)
    await until(() => state.sends > 2, { what: 'some failed sends' })
    assert.equal(shipper.counts.inFlight, 3_000)
    state.isAway = false
    assert.equal(await shipper.flush(10_000), true)
    assert.deepEqual(requestIds(received), ids)
    const byIdentity = Map.groupBy(received, ({ identity }) => identity.firstSequence)
    for (const copies of byIdentity.values())
      assert.equal(new Set(copies.map(({ bytes }) => Buffer.from(bytes).toString('base64'))).size, 1)
    const { served, acknowledged, inFlight, dropped } = shipper.counts
    assert.deepEqual([served, acknowledged, inFlight, dropped], [3_000, 3_000, 0, 0])
    await shipper.close()
  })

  test('past its bound the oldest go, counted, and the invariant holds', async () => {
    const { producer, received, state } = openProducer()
    state.isAway = true
    const shipper = ship(producer, 20_000)
    const ids = fill(shipper, 500)
    assert.ok(shipper.counts.dropped > 0 && shipper.counts.ringBytes <= 20_000)
    state.isAway = false
    await shipper.flush(10_000)
    const { served, acknowledged, inFlight, dropped } = shipper.counts
    assert.equal(served, acknowledged + inFlight + dropped)
    assert.deepEqual(requestIds(received).slice(-100), ids.slice(-100))
    await shipper.close()
  })
})
