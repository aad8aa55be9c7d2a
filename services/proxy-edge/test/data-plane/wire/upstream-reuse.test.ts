import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { startRawUpstream, type RawUpstream } from '@gpt-load/testkit/upstreams/raw-upstream'
import { until } from '@gpt-load/testkit/until'
import { createUpstream, wireNames } from '../../../src/data-plane/wire/create-wires.ts'
import type { UpstreamRequest, UpstreamWire } from '../../../src/data-plane/wire/upstream-exchange.ts'
import { originOf, RecordingUpstreamReceiver } from '../../support/recording-receivers.ts'

const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

function open(wire: UpstreamWire, upstream: RawUpstream, request: Partial<UpstreamRequest> = {}) {
  const receiver = new RecordingUpstreamReceiver()
  const bare = {
    method: 'POST',
    target: '/',
    rawHeaders: ['Host', 'h'],
    body: Buffer.from('x'),
    contentLength: 1,
    isUpgrade: false,
    mayResend: true,
  }
  const exchange = wire.open({ origin: originOf(upstream.port), ...bare, ...request }, receiver)
  return { receiver, exchange }
}

async function roundTrip(wire: UpstreamWire, upstream: RawUpstream, answer = ok) {
  const { receiver } = open(wire, upstream)
  const request = await upstream.expectRequest()
  await request.answer(answer)
  await receiver.over()
  return { receiver, connection: request.connection }
}

for (const wireName of wireNames)
  suite(`connection reuse over ${wireName}`, () => {
    test('requests one after the other share a connection', async () => {
      await using upstream = await startRawUpstream()
      const wire = await createUpstream(wireName, { extraCaPem: '' })
      for (const isReused of [false, true, true]) {
        const { receiver } = await roundTrip(wire, upstream)
        assert.deepEqual(receiver.connects, [isReused])
      }
      assert.equal(upstream.connections.length, 1)
      await wire.close()
    })

    test('requests at the same time never wait for one another', async () => {
      await using upstream = await startRawUpstream()
      const wire = await createUpstream(wireName, { extraCaPem: '' })
      const opened = Array.from({ length: 20 }, () => open(wire, upstream))
      const requests = await Promise.all(opened.map(() => upstream.expectRequest()))
      for (const { answer } of requests) await answer(ok)
      for (const { receiver } of opened) await receiver.over()
      assert.equal(upstream.connections.length, 20)
      await wire.close()
    })

    test('keeps no more idle connections than maxIdle', async () => {
      await using upstream = await startRawUpstream()
      const wire = await createUpstream(wireName, { extraCaPem: '' })
      const origin = originOf(upstream.port, { maxIdle: 1 })
      const opened = [open(wire, upstream, { origin }), open(wire, upstream, { origin })]
      for (const { answer } of [await upstream.expectRequest(), await upstream.expectRequest()]) await answer(ok)
      for (const { receiver } of opened) await receiver.over()
      await until(() => upstream.connections.filter(({ isEnded }) => isEnded).length === 1, {
        what: 'one to be closed',
      })
      await wire.close()
    })

    for (const [name, answer] of [
      ['Connection: close', 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok'],
      ['HTTP/1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok'],
    ] as const)
      test(`a connection whose answer said ${name} is not used again`, async () => {
        await using upstream = await startRawUpstream()
        const wire = await createUpstream(wireName, { extraCaPem: '' })
        await roundTrip(wire, upstream, answer)
        const { receiver } = await roundTrip(wire, upstream)
        assert.deepEqual(receiver.connects, [false])
        assert.equal(upstream.connections.length, 2)
        await wire.close()
      })

    test('a connection is not used for a request that the end of its last answer starts (Connection: close)', async () => {
      await using upstream = await startRawUpstream()
      const wire = await createUpstream(wireName, { extraCaPem: '' })
      const first = open(wire, upstream)
      let second: ReturnType<typeof open> | null = null
      first.receiver.onEnd = () => void (second = open(wire, upstream, { body: null, contentLength: -1 }))
      const request = await upstream.expectRequest()
      await request.answer('HTTP/1.1 429 X\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
      await upstream.expectConnection()
      await upstream.expectConnection()
      const { receiver, exchange } = second!
      exchange.write(Buffer.from('y'))
      exchange.end()
      await (await upstream.expectRequest()).answer(ok)
      await receiver.over()
      assert.deepEqual([receiver.error, receiver.status], [null, 200])
      await wire.close()
    })

    for (const end of ['end', 'reset'] as const)
      test(`an idle connection that the upstream has closed (${end}) is not used again`, async () => {
        await using upstream = await startRawUpstream()
        const wire = await createUpstream(wireName, { extraCaPem: '' })
        const { connection } = await roundTrip(wire, upstream)
        connection[end]()
        await connection.closed
        const { receiver } = await roundTrip(wire, upstream)
        assert.deepEqual([receiver.status, receiver.connects, receiver.error], [200, [false], null])
        await wire.close()
      })

    for (const end of ['end', 'reset'] as const)
      test(`a request that meets the close of its idle connection (${end}) is sent once more on a fresh one`, async () => {
        await using upstream = await startRawUpstream()
        const wire = await createUpstream(wireName, { extraCaPem: '' })
        await roundTrip(wire, upstream)
        const { receiver } = open(wire, upstream)
        const doomed = await upstream.expectRequest()
        doomed.connection[end]()
        const again = await upstream.expectRequest()
        assert.notEqual(again.connection, doomed.connection)
        assert.deepEqual(again.bytes, doomed.bytes)
        await again.answer(ok)
        await receiver.over()
        assert.deepEqual([receiver.error, receiver.status, receiver.connects], [null, 200, [true, false]])
        await wire.close()
      })

    test('it is sent again only once', async () => {
      await using upstream = await startRawUpstream()
      const wire = await createUpstream(wireName, { extraCaPem: '' })
      await roundTrip(wire, upstream)
      const { receiver } = open(wire, upstream)
      for (let time = 0; time < 2; time += 1) (await upstream.expectRequest()).connection.reset()
      await receiver.over()
      assert.deepEqual([receiver.error?.kind, receiver.error?.isUnsent], ['reset', false])
      assert.equal(upstream.connections.length, 2)
      await wire.close()
    })

    test('a request that cannot be sent again was sent, for all that is known', async () => {
      await using upstream = await startRawUpstream()
      const wire = await createUpstream(wireName, { extraCaPem: '' })
      await roundTrip(wire, upstream)
      const { receiver } = open(wire, upstream)
      await upstream.expectRequest()
      await upstream.close()
      await receiver.over()
      assert.deepEqual([receiver.error?.kind, receiver.error?.isUnsent], ['refused', false])
      await wire.close()
    })

    test('a request that met a reset on a fresh connection is not sent again', async () => {
      await using upstream = await startRawUpstream()
      const wire = await createUpstream(wireName, { extraCaPem: '' })
      const { receiver } = open(wire, upstream)
      ;(await upstream.expectRequest()).connection.reset()
      await receiver.over()
      assert.equal(receiver.error?.kind, 'reset')
      assert.equal(upstream.connections.length, 1)
      await wire.close()
    })

    test('a request of which an answer began is not sent again', async () => {
      await using upstream = await startRawUpstream()
      const wire = await createUpstream(wireName, { extraCaPem: '' })
      await roundTrip(wire, upstream)
      const { receiver } = open(wire, upstream)
      const { connection } = await upstream.expectRequest()
      await connection.write('HTTP/1.1 200 OK\r\nContent-')
      connection.end()
      await receiver.over()
      assert.equal(receiver.error?.kind, 'reset')
      assert.equal(upstream.connections.length, 1)
      await wire.close()
    })

    test('retain closes idle connections of origins that are gone', async () => {
      await using upstream = await startRawUpstream()
      const wire = await createUpstream(wireName, { extraCaPem: '' })
      const { connection } = await roundTrip(wire, upstream)
      await new Promise(setImmediate)
      wire.retain(new Set([originOf(upstream.port).key]))
      assert.equal(connection.isEnded, false)
      wire.retain(new Set())
      connection.end()
      assert.equal(await connection.closed, 'fin')
      await wire.close()
    })
  })
