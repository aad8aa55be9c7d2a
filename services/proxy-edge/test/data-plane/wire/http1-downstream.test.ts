import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { connectRawClient } from '@gpt-load/testkit/upstreams/raw-client'
import type { RawConnection } from '@gpt-load/testkit/upstreams/raw-connection'
import { until } from '@gpt-load/testkit/until'
import type { DownstreamLimits, TunnelReceiver } from '../../../src/data-plane/wire/downstream-exchange.ts'
import type { Http1Downstream } from '../../../src/data-plane/wire/http1-downstream.ts'
import { openHttp1Downstream, type OpenDownstream } from '../../support/open-downstream.ts'
import type { RecordingDownstreamReceiver } from '../../support/recording-receivers.ts'

const get = 'GET / HTTP/1.1\r\nHost: h\r\n\r\n'
const ok = ['Content-Length', '2'] as const

type Asked = { down: OpenDownstream<Http1Downstream>; client: RawConnection; receiver: RecordingDownstreamReceiver }

async function asking(head: string, use: (asked: Asked) => Promise<void>, limits: Partial<DownstreamLimits> = {}) {
  await using down = await openHttp1Downstream(limits)
  using client = await connectRawClient({ port: down.port })
  await client.write(head)
  await use({ down, client, receiver: await down.nextExchange() })
}

suite('clients over our own codec', () => {
  test('head and first bytes of the body go out in one write', () =>
    asking(get, async ({ client, receiver }) => {
      const reads: string[] = []
      client.socket.on('data', (bytes: Buffer) => reads.push(bytes.toString()))
      receiver.exchange.writeHead(200, 'OK', [])
      receiver.exchange.write(Buffer.from('data: 1\n\n'))
      await client.readUntil('data: 1\n\n\r\n')
      assert.equal(reads.length, 1)
    }))

  test('calls for a request that is over never reach the next one', () =>
    asking(get, async ({ down, client, receiver }) => {
      receiver.exchange.writeHead(200, 'OK', ok)
      receiver.exchange.write(Buffer.from('ab'))
      receiver.exchange.end()
      await client.readResponse()
      await receiver.called('finish')
      await client.write(get)
      const second = await down.nextExchange()
      receiver.exchange.writeHead(500, 'Late', [])
      receiver.exchange.write(Buffer.from('late'))
      receiver.exchange.end()
      receiver.exchange.pause()
      receiver.exchange.abort()
      second.exchange.writeHead(200, 'OK', ok)
      second.exchange.write(Buffer.from('cd'))
      second.exchange.end()
      assert.match((await client.readResponse()).toString(), /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\ncd$/)
      await second.called('finish')
      assert.deepEqual([receiver.calls, second.calls], [['finish'], ['finish']])
    }))

  test('an answer longer than its length breaks the connection before a byte too many', () =>
    asking(get, async ({ client, receiver }) => {
      receiver.exchange.writeHead(200, 'OK', ok)
      receiver.exchange.write(Buffer.from('a'))
      receiver.exchange.write(Buffer.from('bc'))
      assert.match((await client.readUntilClose()).toString(), /\r\n\r\na$/)
      await receiver.called('abort')
    }))

  test('an answer shorter than its length never ends cleanly', () =>
    asking(get, async ({ client, receiver }) => {
      receiver.exchange.writeHead(200, 'OK', ok)
      receiver.exchange.write(Buffer.from('a'))
      receiver.exchange.end()
      await client.readUntilClose()
      await receiver.called('abort')
    }))

  test('a client that leaves before the last bytes are with the system is an abort, not a finish', () =>
    asking(get, async ({ client, receiver }) => {
      client.pause()
      receiver.exchange.writeHead(200, 'OK', ['Content-Length', String(32 * 1_048_576)])
      receiver.exchange.write(Buffer.alloc(32 * 1_048_576))
      receiver.exchange.end()
      await new Promise(setImmediate)
      client.reset()
      await receiver.called('abort')
      assert.deepEqual(receiver.calls, ['abort'])
    }))

  for (const bad of ['a\r\nX: y', 'a\nb', 'a\u010ab'])
    test(`a value that would split the answer (${JSON.stringify(bad)}) breaks the connection instead`, () =>
      asking(get, async ({ client, receiver }) => {
        receiver.exchange.writeHead(200, 'OK', ['X-Bad', bad, 'Content-Length', '2'])
        receiver.exchange.write(Buffer.from('ab'))
        receiver.exchange.end()
        assert.equal((await client.readUntilClose()).length, 0)
        await receiver.called('abort')
      }))

  test('a large piece goes out in chunks of 256 KiB, and may be overwritten at once', () =>
    asking(get, async ({ client, receiver }) => {
      const piece = Buffer.alloc(300_000, 'x')
      receiver.exchange.writeHead(200, 'OK', [])
      receiver.exchange.write(piece)
      piece.fill('y')
      receiver.exchange.end()
      const text = (await client.readUntil('\r\n0\r\n\r\n')).toString()
      const chunks = [262_144, 300_000 - 262_144].map((bytes) => `${bytes.toString(16)}\r\n${'x'.repeat(bytes)}\r\n`)
      assert.ok(text.endsWith(`\r\n\r\n${chunks.join('')}0\r\n\r\n`))
    }))

  test('a client that reads nothing holds less than a mebibyte, whatever the pieces are', () =>
    asking(get, async ({ client, receiver }) => {
      client.pause()
      receiver.exchange.writeHead(200, 'OK', [])
      const piece = Buffer.alloc(17_000, 'x')
      const before = process.memoryUsage().arrayBuffers
      for (let turn = 0; receiver.exchange.write(piece); turn += 1) {
        assert.ok(turn < 10_000, 'it takes whatever it is given')
        await new Promise(setImmediate)
      }
      const held = process.memoryUsage().arrayBuffers - before
      assert.ok(held < 1_048_576, `${held} bytes`)
    }))

  test('a client of HTTP/1.0 that asks for it is kept, and told so', () =>
    asking('GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n', async ({ down, client, receiver }) => {
      receiver.exchange.writeHead(200, 'OK', ok)
      receiver.exchange.write(Buffer.from('ab'))
      receiver.exchange.end()
      assert.match((await client.readResponse()).toString(), /Connection: keep-alive\r\n/)
      await client.write(get)
      await down.nextExchange()
    }))

  test('who is answered while waiting for 100 is closed: its body may or may not come', () =>
    asking(
      'POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n',
      async ({ client, receiver }) => {
        receiver.exchange.writeHead(413, 'Too Large', ['Content-Length', '0'])
        receiver.exchange.end()
        assert.match((await client.readUntilClose()).toString(), /^HTTP\/1\.1 413 [^]*Connection: close\r\n/)
      },
    ))

  test('a FIN behind the request is an abort, one behind the whole answer is not', async () => {
    await asking(get, async ({ client, receiver }) => {
      client.end()
      await receiver.called('abort')
    })
    await asking(get, async ({ client, receiver }) => {
      receiver.exchange.writeHead(200, 'OK', ok)
      receiver.exchange.write(Buffer.from('ab'))
      receiver.exchange.end()
      client.end()
      await receiver.called('finish')
      assert.deepEqual(receiver.calls, ['finish'])
    })
  })

  test('the body waits while it is paused, its end too when it came later', () =>
    asking('POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\nabc', async ({ client, receiver }) => {
      receiver.onChunk = () => receiver.exchange.pause()
      receiver.exchange.resume()
      await receiver.called('data')
      await client.write('def')
      await client.readUntilIdle(20)
      assert.equal(receiver.body, 'abc')
      receiver.exchange.resume()
      await receiver.called('end')
      assert.equal(receiver.body, 'abcdef')
    }))

  test('idle connections are closed: by their timer, by closeIdle, not while a head is coming', async () => {
    await using down = await openHttp1Downstream({ keepAliveTimeoutMs: 60 })
    using timed = await connectRawClient({ port: down.port })
    await timed.write(get)
    const { exchange } = await down.nextExchange()
    exchange.writeHead(204, 'No Content', [])
    exchange.end()
    await timed.readResponse()
    await timed.readUntilClose()
    using idle = await connectRawClient({ port: down.port })
    using asking = await connectRawClient({ port: down.port })
    await asking.write('GET / HTTP/1.1\r\n')
    await until(() => down.server.openConnections === 2, { what: 'both connections' })
    await asking.readUntilIdle(20)
    down.server.startDraining()
    down.server.closeIdle()
    await idle.readUntilClose()
    await asking.write('Host: h\r\n\r\n')
    const last = await down.nextExchange()
    last.exchange.writeHead(204, 'No Content', [])
    last.exchange.end()
    assert.match((await asking.readUntilClose()).toString(), /Connection: close\r\n/)
  })

  test('a connection on which nothing ever comes is closed at the limit for heads', async () => {
    await using down = await openHttp1Downstream({ headTimeoutMs: 50 })
    using client = await connectRawClient({ port: down.port })
    assert.equal((await client.readUntilClose()).length, 0)
  })

  test('close ends what is left, and every exchange hears of it', () =>
    asking(get, async ({ down, receiver }) => {
      await down.server.close()
      await receiver.called('abort')
      assert.equal(down.server.openConnections, 0)
    }))

  test('an upgrade to WebSocket becomes a tunnel, bytes right behind the head included', () =>
    asking(
      'GET /v1/realtime HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nearly',
      async ({ down, client, receiver }) => {
        assert.ok(receiver.exchange.isUpgrade)
        const tunnel = receiver.exchange.upgrade(101, 'Switching Protocols', ['Sec-WebSocket-Accept', 'x'])
        const events: string[] = []
        const peer: TunnelReceiver = {
          onData: (chunk) => void events.push(Buffer.from(chunk).toString()),
          onDrain: () => undefined,
          onEnd: () => void events.push('end'),
          onClose: () => void events.push('close'),
        }
        tunnel.receive(peer)
        tunnel.write(Buffer.from('\x81\x00GET / HTTP/1.1\r\n\r\n', 'latin1'))
        const head = (await client.readUntil('\r\n\r\n')).toString()
        assert.match(
          head,
          /^HTTP\/1\.1 101 Switching Protocols\r\nSec-WebSocket-Accept: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n/,
        )
        assert.equal((await client.readUntil('\r\n\r\n')).length, 20)
        await client.write('later')
        await until(() => events.length === 2, { what: 'the bytes' })
        client.end()
        await until(() => events.includes('end'), { what: 'the end' })
        assert.deepEqual(events, ['early', 'later', 'end'])
        tunnel.end()
        await until(() => down.server.openConnections === 0, { what: 'the close' })
        assert.deepEqual(receiver.calls, [])
      },
    ))

  test('an upgrade to anything else is an ordinary request (RFC 9110 7.8)', () =>
    asking('GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n', async ({ receiver }) => {
      assert.equal(receiver.exchange.isUpgrade, false)
      assert.throws(() => receiver.exchange.upgrade(101, 'X', []))
    }))
})
