import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { connectRawClient } from '@gpt-load/testkit/upstreams/raw-client'
import { until } from '@gpt-load/testkit/until'
import { wireNames } from '../../../src/data-plane/wire/create-wires.ts'
import { openDownstream } from '../../support/open-downstream.ts'

const get = 'GET / HTTP/1.1\r\nHost: h\r\n\r\n'

for (const wireName of wireNames)
  suite(`abort over ${wireName}`, () => {
    for (const end of ['reset', 'end'] as const)
      test(`a client that leaves before the answer (${end}) is an abort`, async () => {
        await using down = await openDownstream(wireName)
        using client = await connectRawClient({ port: down.port })
        await client.write(get)
        const receiver = await down.nextExchange()
        client[end]()
        await receiver.called('abort')
        assert.deepEqual(receiver.calls, ['abort'])
        receiver.exchange.writeHead(200, 'OK', [])
        receiver.exchange.write(Buffer.from('late'))
        receiver.exchange.end()
        assert.deepEqual(receiver.calls, ['abort'])
      })

    test('a client that leaves in its body is an abort, once', async () => {
      await using down = await openDownstream(wireName)
      using client = await connectRawClient({ port: down.port })
      await client.write('POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc')
      const receiver = await down.nextExchange()
      receiver.exchange.resume()
      await receiver.called('data')
      client.reset()
      await receiver.called('abort')
      assert.deepEqual(receiver.calls, ['data', 'abort'])
    })

    test('a client that resets while its body is paused and fills every buffer is noticed', async () => {
      await using down = await openDownstream(wireName)
      using client = await connectRawClient({ port: down.port })
      await client.write('POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 64000000\r\n\r\nabc')
      const receiver = await down.nextExchange()
      receiver.exchange.resume()
      await receiver.called('data')
      receiver.exchange.pause()
      let taken = 0
      const piece = Buffer.alloc(65_536)
      const count = () => void (taken += 1)
      for (let index = 0; index < 500; index += 1) client.socket.write(piece, count)
      let before = -1
      await until(() => before === (before = taken), { what: 'the body to stall', intervalMs: 100 })
      client.reset()
      await receiver.called('abort')
    })

    test('a client that leaves in the answer is an abort', async () => {
      await using down = await openDownstream(wireName)
      using client = await connectRawClient({ port: down.port })
      await client.write(get)
      const receiver = await down.nextExchange()
      receiver.exchange.writeHead(200, 'OK', [])
      receiver.exchange.write(Buffer.from('part'))
      await client.readUntil('part')
      client.reset()
      await receiver.called('abort')
      assert.deepEqual(receiver.calls, ['abort'])
    })

    test('abort in a chunked answer delivers what came before, then closes without its end', async () => {
      await using down = await openDownstream(wireName)
      using client = await connectRawClient({ port: down.port })
      await client.write(get)
      const receiver = await down.nextExchange()
      receiver.exchange.writeHead(200, 'OK', [])
      receiver.exchange.write(Buffer.from('part'))
      receiver.exchange.abort()
      const text = (await client.readUntilClose()).toString()
      assert.match(text, /4\r\npart\r\n$/)
    })

    test('abort right after the head delivers the head', async () => {
      await using down = await openDownstream(wireName)
      using client = await connectRawClient({ port: down.port })
      await client.write(get)
      const { exchange } = await down.nextExchange()
      exchange.writeHead(200, 'OK', [])
      exchange.abort()
      assert.match((await client.readUntilClose()).toString(), /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\n$/)
    })

    test('abort in an answer with a length leaves it short', async () => {
      await using down = await openDownstream(wireName)
      using client = await connectRawClient({ port: down.port })
      await client.write(get)
      const { exchange } = await down.nextExchange()
      exchange.writeHead(200, 'OK', ['Content-Length', '10'])
      exchange.write(Buffer.from('part'))
      exchange.abort()
      assert.match((await client.readUntilClose()).toString(), /\r\n\r\npart$/)
    })

    test('abort of an answer that ends with the connection is a reset: a close would be its end', async () => {
      await using down = await openDownstream(wireName)
      using client = await connectRawClient({ port: down.port })
      await client.write('GET / HTTP/1.0\r\n\r\n')
      const { exchange } = await down.nextExchange()
      exchange.writeHead(200, 'OK', [])
      exchange.write(Buffer.from('part'))
      await client.readUntil('part')
      exchange.abort()
      assert.equal(await client.closed, 'reset')
    })

    test('an answered client that goes on sending is closed after two seconds', async () => {
      await using down = await openDownstream(wireName)
      using client = await connectRawClient({ port: down.port })
      await client.write('POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9000000\r\n\r\nabc')
      const receiver = await down.nextExchange()
      receiver.exchange.resume()
      receiver.exchange.writeHead(413, 'X', ['Content-Length', '0'])
      receiver.exchange.end()
      const answered = performance.now()
      assert.match((await client.readResponse()).toString(), /^HTTP\/1\.1 413 /)
      await client.readUntilClose()
      assert.ok(performance.now() - answered > 1_900)
    })
  })
