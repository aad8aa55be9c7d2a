import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { startRawUpstream } from '@gpt-load/testkit/upstreams/raw-upstream'
import { createUpstream, wireNames, type WireName } from '../../../src/data-plane/wire/create-wires.ts'
import type { UpstreamRequest } from '../../../src/data-plane/wire/upstream-exchange.ts'
import { parseMessage } from '../../support/http-message.ts'
import { originOf, RecordingUpstreamReceiver } from '../../support/recording-receivers.ts'

const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'

async function sent(wireName: WireName, request: Partial<UpstreamRequest>, pieces: string[] = []) {
  await using upstream = await startRawUpstream()
  const wire = await createUpstream(wireName, { extraCaPem: '' })
  const receiver = new RecordingUpstreamReceiver()
  const exchange = wire.open(
    {
      origin: originOf(upstream.port),
      method: 'POST',
      target: '/v1/x',
      rawHeaders: ['Host', 'h.test'],
      body: null,
      contentLength: 0,
      isUpgrade: false,
      mayResend: true,
      ...request,
    },
    receiver,
  )
  for (const piece of pieces) exchange.write(Buffer.from(piece))
  if (pieces.length > 0) exchange.end()
  const { bytes, answer } = await upstream.expectRequest()
  await answer(ok)
  await receiver.over()
  await wire.close()
  return parseMessage(bytes)
}

for (const wireName of wireNames)
  suite(`requests over ${wireName}`, () => {
    test('target and headers go out byte for byte, duplicates and case included', async () => {
      const rawHeaders = ['Host', 'api.test:81', 'X-B', '2', 'x-a', '1', 'X-B', '3', 'X-Name', 'M\xfcller']
      const message = await sent(wireName, { method: 'GET', target: '/a//b/%2F%7e?x=%20&y', rawHeaders })
      assert.equal(message.startLine, 'GET /a//b/%2F%7e?x=%20&y HTTP/1.1')
      const endToEnd = message.headers.filter(([name]) => !['host', 'connection'].includes(name.toLowerCase()))
      assert.deepEqual(endToEnd, [
        ['X-B', '2'],
        ['x-a', '1'],
        ['X-B', '3'],
        ['X-Name', 'M\xfcller'],
      ])
      assert.deepEqual(message.all('host'), ['api.test:81'])
    })

    test('a body at hand goes out with its length', async () => {
      const message = await sent(wireName, { body: Buffer.from('{"a":1}'), contentLength: 7 })
      assert.deepEqual([message.header('content-length'), message.body], ['7', '{"a":1}'])
    })

    test('a body that came chunked stays chunked, also when it is at hand', async () => {
      const message = await sent(wireName, { body: Buffer.from('{"a":1}'), contentLength: -1 })
      assert.deepEqual(message.all('content-length'), [])
      assert.deepEqual([message.header('transfer-encoding'), message.body], ['chunked', '{"a":1}'])
    })

    test('a body in pieces of known length goes out with that length', async () => {
      const message = await sent(wireName, { contentLength: 6 }, ['abc', 'def'])
      assert.deepEqual([message.all('content-length'), message.body], [['6'], 'abcdef'])
      assert.equal(message.header('transfer-encoding'), undefined)
    })

    test('a body in pieces of unknown length goes out chunked', async () => {
      const message = await sent(wireName, { contentLength: -1 }, ['abc', 'def'])
      assert.deepEqual([message.header('transfer-encoding'), message.body], ['chunked', 'abcdef'])
    })

    for (const method of ['GET', 'DELETE', 'OPTIONS'])
      test(`${method} keeps its body`, async () => {
        const message = await sent(wireName, { method, body: Buffer.from('{}'), contentLength: 2 })
        assert.deepEqual(
          [message.startLine, message.header('content-length'), message.body],
          [`${method} /v1/x HTTP/1.1`, '2', '{}'],
        )
      })
  })
