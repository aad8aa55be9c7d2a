import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { connectRawClient } from '@gpt-load/testkit/upstreams/raw-client'
import { wireNames } from '../../../src/data-plane/wire/create-wires.ts'
import { openDownstream } from '../../support/open-downstream.ts'

for (const wireName of wireNames)
  suite(`requests over ${wireName}`, () => {
    test('target and headers arrive byte for byte, in order, case and number', async () => {
      await using down = await openDownstream(wireName)
      using client = await connectRawClient({ port: down.port })
      await client.write(
        'GET /a//b/%2F%7e?x=%20&y HTTP/1.1\r\nHost: h\r\nX-B: 2\r\nx-a: 1\r\nX-B: 3\r\nX-N: M\xfcller\r\n\r\n',
      )
      const { exchange } = await down.nextExchange()
      assert.equal(exchange.target, '/a//b/%2F%7e?x=%20&y')
      assert.deepEqual(exchange.rawHeaders, ['Host', 'h', 'X-B', '2', 'x-a', '1', 'X-B', '3', 'X-N', 'M\xfcller'])
      assert.deepEqual([exchange.method, exchange.httpVersion, exchange.contentLength], ['GET', '1.1', 0])
      assert.equal(exchange.remoteAddress, '127.0.0.1')
    })

    test('delivers nothing of a body before resume, then all of it and its trailers', async () => {
      await using down = await openDownstream(wireName)
      using client = await connectRawClient({ port: down.port })
      await client.write(
        'POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\nX-Sum: 7\r\n\r\n',
      )
      const receiver = await down.nextExchange()
      assert.equal(receiver.exchange.contentLength, -1)
      await new Promise(setImmediate)
      assert.deepEqual(receiver.calls, [])
      receiver.exchange.resume()
      await receiver.called('end')
      assert.equal(receiver.body, 'abcdef')
      assert.deepEqual(receiver.rawTrailers, ['X-Sum', '7'])
    })

    test('a paused body stays with the client but for 4 MiB', async () => {
      await using down = await openDownstream(wireName)
      using client = await connectRawClient({ port: down.port })
      const length = 32 * 1_048_576
      await client.write(`POST / HTTP/1.1\r\nHost: h\r\nContent-Length: ${length}\r\n\r\n`)
      const receiver = await down.nextExchange()
      receiver.onChunk = () => receiver.exchange.pause()
      const sent = client.write(Buffer.alloc(length))
      receiver.exchange.resume()
      await receiver.called('data')
      await client.readUntilIdle(150)
      assert.ok(receiver.bytes < 1_048_576, `${receiver.bytes} bytes came while paused`)
      assert.ok(client.socket.bytesWritten < 12 * 1_048_576 || client.socket.writableLength > 0)
      receiver.onChunk = () => undefined
      receiver.exchange.resume()
      await sent
      await receiver.called('end')
      assert.equal(receiver.bytes, length)
    })

    test('asks for the body of a client that waits for 100 only when it is wanted', async () => {
      await using down = await openDownstream(wireName)
      using client = await connectRawClient({ port: down.port })
      await client.write('POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n')
      const receiver = await down.nextExchange()
      assert.equal(client.receivedBytes, 0)
      receiver.exchange.resume()
      assert.match((await client.readResponse()).toString(), /^HTTP\/1\.1 100 Continue\r\n/)
      await client.write('abc')
      await receiver.called('end')
      assert.equal(receiver.body, 'abc')
    })

    test('answers a client that waits for 100 without asking for its body', async () => {
      await using down = await openDownstream(wireName)
      using client = await connectRawClient({ port: down.port })
      await client.write('POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n')
      const { exchange } = await down.nextExchange()
      exchange.writeHead(413, 'Too Large', ['Content-Length', '0'])
      exchange.end()
      assert.match((await client.readResponse()).toString(), /^HTTP\/1\.1 413 /)
    })

    for (const [name, head] of [
      ['two Host headers', 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n'],
      ['the same Host twice', 'GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n'],
      ['no Host', 'GET / HTTP/1.1\r\n\r\n'],
      ['a target in absolute form', 'GET http://other.test/ HTTP/1.1\r\nHost: a\r\n\r\n'],
      ['a target in authority form', 'CONNECT other.test:443 HTTP/1.1\r\nHost: a\r\n\r\n'],
      [
        'length and chunks',
        'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      ],
      ['two lengths', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc'],
      ['a length that is no number', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3x\r\n\r\nabc'],
      ['another transfer coding', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n'],
      ['chunked twice', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n'],
      ['chunks in HTTP/1.0', 'POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
      ['a space before the colon', 'GET / HTTP/1.1\r\nHost : a\r\n\r\n'],
      ['a folded header', 'GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n 2\r\n\r\n'],
      ['a bare line feed', 'GET / HTTP/1.1\nHost: a\n\n'],
      ['a NUL in a value', 'GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n'],
    ] as const)
      test(`refuses ${name} and closes`, async () => {
        await using down = await openDownstream(wireName)
        using client = await connectRawClient({ port: down.port })
        await client.write(head)
        const answer = await client.readUntilClose()
        assert.match(answer.toString(), /^HTTP\/1\.1 400 Bad Request\r\nConnection: close\r\n/)
        assert.equal(down.received.length, 0)
      })

    test('refuses a head over the bound with 431', async () => {
      await using down = await openDownstream(wireName, { maxHeadBytes: 8_192 })
      using client = await connectRawClient({ port: down.port })
      await client.write(`GET / HTTP/1.1\r\nHost: a\r\nX: ${'a'.repeat(9_000)}\r\n\r\n`)
      assert.match((await client.readUntilClose()).toString(), /^HTTP\/1\.1 431 /)
    })

    test('refuses a head that does not come in time with 408', async () => {
      await using down = await openDownstream(wireName, { headTimeoutMs: 40 })
      using client = await connectRawClient({ port: down.port })
      await client.write('GET / HTTP/1.1\r\nHost')
      assert.match((await client.readUntilClose()).toString(), /^HTTP\/1\.1 408 /)
    })

    test('breaks off a body that stalls, but not one that is paused by us', async () => {
      await using down = await openDownstream(wireName, { bodyStallTimeoutMs: 100 })
      using paused = await connectRawClient({ port: down.port })
      using stalled = await connectRawClient({ port: down.port })
      const head = 'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc'
      await paused.write(head)
      const first = await down.nextExchange()
      await stalled.write(head)
      const second = await down.nextExchange()
      second.exchange.resume()
      assert.equal(await stalled.closed, 'reset')
      await second.called('abort')
      assert.equal(paused.isEnded, false)
      assert.deepEqual(first.calls, [])
    })

    test('counts open connections', async () => {
      await using down = await openDownstream(wireName)
      const client = await connectRawClient({ port: down.port })
      await client.write('GET / HTTP/1.1\r\nHost: h\r\n\r\n')
      const receiver = await down.nextExchange()
      assert.equal(down.server.openConnections, 1)
      client.reset()
      await receiver.called('abort')
      assert.equal(down.server.openConnections, 0)
    })
  })
