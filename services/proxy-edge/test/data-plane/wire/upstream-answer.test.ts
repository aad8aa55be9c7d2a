import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { startRawUpstream } from '@gpt-load/testkit/upstreams/raw-upstream'
import { createUpstream, wireNames, type WireName } from '../../../src/data-plane/wire/create-wires.ts'
import { originOf, RecordingUpstreamReceiver } from '../../support/recording-receivers.ts'

async function answered(wireName: WireName, answer: string | Uint8Array, method = 'GET', endsAfter = false) {
  await using upstream = await startRawUpstream()
  const wire = await createUpstream(wireName, { extraCaPem: '' })
  const receiver = new RecordingUpstreamReceiver()
  const request = {
    method,
    target: '/v1/x',
    rawHeaders: ['Host', 'h.test'],
    body: null,
    contentLength: 0,
    isUpgrade: false,
    mayResend: true,
  }
  wire.open({ ...request, origin: originOf(upstream.port) }, receiver)
  const { connection } = await upstream.expectRequest()
  await connection.write(answer)
  if (endsAfter) connection.end()
  await receiver.over()
  await wire.close()
  return receiver
}

for (const wireName of wireNames)
  suite(`answers over ${wireName}`, () => {
    test('headers keep order, case, duplicates and bytes above 0x7f', async () => {
      const receiver = await answered(
        wireName,
        'HTTP/1.1 200 OK\r\nX-B: 2\r\nx-a: 1\r\nSet-Cookie: a=1\r\nSET-cookie: b=2\r\nX-Name: M\xfcller\r\nContent-Length: 2\r\n\r\nhi',
      )
      assert.deepEqual(receiver.rawHeaders, [
        'X-B',
        '2',
        'x-a',
        '1',
        'Set-Cookie',
        'a=1',
        'SET-cookie',
        'b=2',
        'X-Name',
        'M\xfcller',
        'Content-Length',
        '2',
      ])
      assert.deepEqual([receiver.status, receiver.reason, receiver.body], [200, 'OK', 'hi'])
      assert.deepEqual(receiver.calls, ['connect', 'head', 'data', 'end'])
    })

    test('trailers of a chunked answer arrive behind its body', async () => {
      const receiver = await answered(
        wireName,
        'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n2\r\nhi\r\n0\r\nX-Sum: 7\r\nx-sum: 8\r\n\r\n',
      )
      assert.deepEqual(receiver.rawTrailers, ['X-Sum', '7', 'x-sum', '8'])
      assert.equal(receiver.body, 'hi')
    })

    test('103 is told apart from the answer that follows', async () => {
      const receiver = await answered(
        wireName,
        'HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
      )
      assert.deepEqual(receiver.informational, [{ status: 103, rawHeaders: ['Link', '</a>; rel=preload'] }])
      assert.deepEqual(receiver.calls, ['connect', 'informational', 'head', 'end'])
    })

    for (const [status, method] of [
      [204, 'GET'],
      [304, 'GET'],
      [200, 'HEAD'],
    ] as const)
      test(`${status} to ${method} ends with its head, whatever length it names`, async () => {
        const length = status === 204 ? '' : 'Content-Length: 50\r\n'
        const receiver = await answered(wireName, `HTTP/1.1 ${status} X\r\n${length}Etag: "a"\r\n\r\n`, method)
        assert.deepEqual(receiver.calls, ['connect', 'head', 'end'])
        assert.equal(receiver.status, status)
      })

    test('an answer without length ends with the connection', async () => {
      const receiver = await answered(wireName, 'HTTP/1.1 200 OK\r\n\r\nuntil the end', 'GET', true)
      assert.equal(receiver.body, 'until the end')
      assert.deepEqual(receiver.calls, ['connect', 'head', 'data', 'end'])
    })

    test('a head of more than 64 KiB is refused as protocol error', async () => {
      const receiver = await answered(wireName, `HTTP/1.1 200 OK\r\nX-Long: ${'a'.repeat(70_000)}\r\n\r\n`)
      assert.equal(receiver.error?.kind, 'protocol')
    })

    for (const [name, answer] of [
      ['is no HTTP', 'SSH-2.0-OpenSSH\r\n\r\n'],
      ['has length and chunks', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
      ['has two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi'],
      ['has a chunk size that is no number', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhi\r\n'],
    ] as const)
      test(`an answer that ${name} is a protocol error`, async () => {
        const receiver = await answered(wireName, answer)
        assert.equal(receiver.error?.kind, 'protocol')
        assert.equal(receiver.error.isUnsent, false)
      })
  })
