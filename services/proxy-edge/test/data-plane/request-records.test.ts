import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { LogEvent } from '@gpt-load/contracts/log-event'
import { startFakeProvider, type FakeProvider } from '@gpt-load/testkit/upstreams/fake-provider'
import { connectRawClient } from '@gpt-load/testkit/upstreams/raw-client'
import { createLogEventWriter, encodeLogEvent, payloadOf } from '@gpt-load/transport/log-batch/encode-log-event'
import { openLogBatch, sealLogBatch } from '@gpt-load/transport/log-batch/log-batch'
import { bearer, chat } from '../support/chat-request.ts'
import { parseMessage, send } from '../support/http-message.ts'
import { openDataPlane } from '../support/open-data-plane.ts'

const [first, second] = ['sk-first-key-000000001', 'sk-second-key-00000002'] as const

function sampled(provider: FakeProvider, percent: number) {
  return openDataPlane({
    groups: [
      {
        name: 'g',
        upstreams: [provider.url],
        keys: [first, second],
        settings: { request_log_sample_percent: percent },
      },
    ],
  })
}

/** As it arrives at log-ingest. */
function stored(event: Omit<LogEvent, 'sequence'>): LogEvent {
  const writer = createLogEventWriter()
  encodeLogEvent(writer, { ...event, sequence: 1 })
  const identity = { source: 'i.1', edge: 'e', firstSequence: 1, count: 1 }
  const batch = openLogBatch(sealLogBatch({ identity, events: payloadOf(writer), codec: 'zstd' }))
  assert.ok('events' in batch && batch.events[0]?.ok)
  return batch.events[0].event
}

suite('request records', () => {
  // Time is read once a turn (turn-clock.ts): whoever forgot to read it would time a request from the one before.
  test('times begin with the request, however long nothing has happened before', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    await using plane = await openDataPlane({ groups: [{ name: 'g', upstreams: [provider.url], keys: [first] }] })
    await send(plane.port, chat('g'))
    await delay(1_000)
    await send(plane.port, chat('g'))
    const { durationMs, firstByteMs, receivedAtMs, attempts } = plane.events[1]!
    const { startedAtMs, headMs, endMs } = attempts[0]!
    for (const ms of [durationMs, firstByteMs, headMs, endMs]) assert.ok(ms >= 0 && ms < 900, `${ms} ms`)
    assert.ok(Math.abs(startedAtMs - receivedAtMs) < 900, `${startedAtMs - receivedAtMs} ms`)
  })

  test('at 0 % only what failed or was retried keeps its row; everything is recorded to be counted', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    await using plane = await sampled(provider, 0)
    for (let turn = 0; turn < 4; turn += 1) await send(plane.port, chat('g'))
    assert.deepEqual(
      plane.events.map(({ isSampledOut }) => isSampledOut),
      [true, true, true, true],
    )
    provider.everyKey.respond({ status: 400, body: '{}' }, { times: 1 })
    await send(plane.port, chat('g'))
    provider.everyKey.respond({ status: 503, body: '{}' }, { times: 1 })
    assert.equal((await send(plane.port, chat('g'))).status, 200)
    const refused = await send(plane.port, { ...chat('g'), headers: ['Authorization: Bearer wrong'] })
    assert.equal(refused.status, 401)
    const kept = plane.events.slice(4)
    assert.deepEqual(
      kept.map(({ status, attempts, isSampledOut }) => [status, attempts.length, isSampledOut]),
      [
        [400, 1, false],
        [200, 2, false],
        [401, 0, false],
      ],
    )
  })

  test('a part is sampled by chance, and by default everything has its row', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai', maxRecordedRequests: 0 })
    await using half = await sampled(provider, 50)
    for (let turn = 0; turn < 100; turn += 1) await send(half.port, chat('g'))
    const out = half.events.filter(({ isSampledOut }) => isSampledOut).length
    // Outside of this once in ten million runs.
    assert.ok(out > 23 && out < 77, String(out))
    await using all = await sampled(provider, 100)
    for (let turn = 0; turn < 20; turn += 1) await send(all.port, chat('g'))
    assert.ok(all.events.every(({ isSampledOut }) => !isSampledOut))
  })

  test('a user agent of 4 MB and a path that is no UTF-8 are refused or stored as valid text, and the next request is served', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    await using plane = await sampled(provider, 100)
    const huge = await sendRaw(plane.port, [
      `GET /proxy/g/v1/models HTTP/1.1\r\nHost: x\r\n${bearer}\r\nUser-Agent: `,
      'a'.repeat(4 * 1_048_576),
      '\r\n\r\n',
    ])
    assert.equal(huge, 431)
    const long = await sendRaw(plane.port, [
      `GET /proxy/g/v1/models HTTP/1.1\r\nHost: x\r\n${bearer}\r\nUser-Agent: ${'ü'.repeat(2_000)}\r\n\r\n`,
    ])
    assert.equal(long, 200)
    const path = Buffer.concat([
      Buffer.from('GET /proxy/g/v1/models?x='),
      Buffer.from([0xff, 0xfe, 0xc3]),
      Buffer.from(` HTTP/1.1\r\nHost: x\r\n${bearer}\r\n\r\n`),
    ])
    const status = await sendRaw(plane.port, [path])
    assert.ok(status === 200 || status === 400, String(status))
    assert.equal((await send(plane.port, chat('g'))).status, 200)
    for (const event of plane.events.map(stored)) {
      assert.ok(Buffer.byteLength(event.userAgent) <= 512)
      for (const text of [event.userAgent, event.requestPath]) assert.ok(text.isWellFormed(), text)
    }
    assert.ok(plane.events.length >= 2)
  })
})

/** Answers the status; what the other side does not take any more is no failure. */
async function sendRaw(port: number, parts: readonly (string | Buffer)[]): Promise<number> {
  const client = await connectRawClient({ port })
  for (const part of parts) await client.write(part).catch(() => undefined)
  const head = await client.readUntil('\r\n\r\n')
  client.reset()
  return parseMessage(head).status
}
