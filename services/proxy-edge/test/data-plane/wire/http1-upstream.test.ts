import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { RawConnection } from '@gpt-load/testkit/upstreams/raw-connection'
import { startRawUpstream, type RawRequest, type RawUpstream } from '@gpt-load/testkit/upstreams/raw-upstream'
import { until } from '@gpt-load/testkit/until'
import type { Tunnel, TunnelReceiver } from '../../../src/data-plane/wire/downstream-exchange.ts'
import { Http1Upstream } from '../../../src/data-plane/wire/http1-upstream.ts'
import type { UpstreamExchange, UpstreamRequest } from '../../../src/data-plane/wire/upstream-exchange.ts'
import { bareRequest, originOf, RecordingUpstreamReceiver } from '../../support/recording-receivers.ts'

const empty = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'

type Open = {
  upstream: RawUpstream
  open(request?: Partial<UpstreamRequest>): { exchange: UpstreamExchange; receiver: RecordingUpstreamReceiver }
}

function closedByUs(connection: RawConnection): Promise<unknown> {
  return until(() => connection.isEnded, { what: 'the close of the connection', intervalMs: 2 })
}

async function withUpstream(use: (open: Open) => Promise<void>): Promise<void> {
  await using upstream = await startRawUpstream()
  const wire = new Http1Upstream({ extraCaPem: '' })
  await use({
    upstream,
    open: (request = {}) => {
      const receiver = new RecordingUpstreamReceiver()
      return {
        receiver,
        exchange: wire.open({ ...bareRequest, origin: originOf(upstream.port), ...request }, receiver),
      }
    },
  })
  await wire.close()
}

async function roundTrip(
  { upstream, open }: Open,
  answer: string,
): Promise<RawRequest & { receiver: RecordingUpstreamReceiver }> {
  const { receiver } = open()
  const request = await upstream.expectRequest()
  await request.answer(answer)
  await receiver.over()
  return { ...request, receiver }
}

suite('upstreams over our own codec', () => {
  for (const [name, answer] of [
    ['is no HTTP', 'SSH-2.0-OpenSSH\r\n\r\n'],
    ['is of HTTP/2', 'HTTP/2 200 OK\r\n\r\n'],
    ['has a status of two digits', 'HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n'],
    ['has a status of letters', 'HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n'],
    ['has a control character in its reason', 'HTTP/1.1 200 O\0K\r\nContent-Length: 0\r\n\r\n'],
    ['ends lines with LF', 'HTTP/1.1 200 OK\nContent-Length: 0\n\n'],
    ['folds a header', 'HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n'],
    ['has a blank before a colon', 'HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n'],
    ['has length and chunks', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['has two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nhi'],
    ['has another coding', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n'],
    ['has a chunk size that is none', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhi\r\n'],
    ['has a chunk longer than it says', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nhi\r\n0\r\n\r\n'],
    ['has a length for trailer', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 2\r\n\r\n'],
    ['has a body in 103', 'HTTP/1.1 103 Early Hints\r\nContent-Length: 2\r\n\r\nhi'],
    ['has endless headers', `HTTP/1.1 200 OK\r\n${'X: y\r\n'.repeat(20_000)}`],
    ['has a header without end', `HTTP/1.1 200 OK\r\nX: ${'a'.repeat(100_000)}`],
    ['is preceded by endless 1xx', 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(40)],
    ['switches protocols unasked', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n'],
  ] as const)
    test(`an answer that ${name} is a protocol error and ends the connection`, () =>
      withUpstream(async ({ upstream, open }) => {
        const { receiver } = open()
        const { connection } = await upstream.expectRequest()
        connection.socket.write(answer, 'latin1')
        await receiver.over()
        assert.deepEqual([receiver.error?.kind, receiver.error?.isUnsent], ['protocol', false])
        await closedByUs(connection)
      }))

  for (const [name, answer] of [
    ['with a length', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi'],
    ['in chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n'],
    ['without body', 'HTTP/1.1 204 No Content\r\n\r\n'],
  ] as const) {
    const poison = 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison'
    test(`what follows an answer ${name} at once never reaches the next request`, () =>
      withUpstream(async (open) => {
        const first = await roundTrip(open, answer + poison)
        assert.equal(first.receiver.error, null)
        const second = await roundTrip(open, empty)
        assert.notEqual(second.connection, first.connection)
        assert.equal(second.receiver.body, '')
      }))

    test(`what follows an answer ${name} later never reaches the next request`, () =>
      withUpstream(async (open) => {
        const first = await roundTrip(open, answer)
        await first.connection.write(poison)
        await closedByUs(first.connection)
        const second = await roundTrip(open, empty)
        assert.notEqual(second.connection, first.connection)
        assert.equal(second.receiver.body, '')
      }))
  }

  test('an answer that came whole leaves its connection to the next request, from within its end too', () =>
    withUpstream(async ({ upstream, open }) => {
      const { receiver } = open()
      let second: RecordingUpstreamReceiver | null = null
      receiver.onEnd = () => (second = open().receiver)
      await (await upstream.expectRequest()).answer(empty)
      await (await upstream.expectRequest()).answer(empty)
      await until(() => second?.isEnded, { what: 'the second answer' })
      assert.deepEqual(second!.connects, [true])
      assert.equal(upstream.connections.length, 1)
    }))

  test('100 is swallowed, 103 is passed, the answer follows', () =>
    withUpstream(async (open) => {
      const { receiver } = await roundTrip(
        open,
        `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n${empty}`,
      )
      assert.deepEqual(receiver.calls, ['connect', 'informational', 'head', 'end'])
    }))

  test('small chunks of one read arrive as one piece', () =>
    withUpstream(async (open) => {
      const { receiver } = await roundTrip(
        open,
        'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2;x=y\r\nbc\r\n1\r\nd\r\n0\r\n\r\n',
      )
      assert.equal(receiver.body, 'abcd')
    }))

  test('while paused nothing is reported, the end included', () =>
    withUpstream(async ({ upstream, open }) => {
      const { exchange, receiver } = open()
      receiver.onChunk = () => exchange.pause()
      const { connection, answer } = await upstream.expectRequest()
      await answer('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX: y\r\n\r\n')
      await until(() => receiver.bytes === 2, { what: 'the body' })
      await connection.readUntilIdle(20)
      assert.deepEqual(receiver.calls, ['connect', 'head', 'data'])
      exchange.resume()
      await receiver.over()
      assert.deepEqual(receiver.rawTrailers, ['X', 'y'])
    }))

  for (const [name, answer, calls] of [
    ['whole', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi', ['connect', 'head', 'data', 'end']],
    ['without length', 'HTTP/1.1 200 OK\r\n\r\nhi', ['connect', 'head', 'data', 'end']],
    ['cut short', 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi', ['connect', 'head', 'data', 'error']],
  ] as const)
    test(`an answer that is ${name} and held by a pause is read to its end after the upstream has closed`, () =>
      withUpstream(async ({ upstream, open }) => {
        const { exchange, receiver } = open()
        receiver.onHead = (status) => {
          receiver.calls.push('head')
          receiver.status = status
          exchange.pause()
        }
        const { connection } = await upstream.expectRequest()
        connection.socket.end(answer)
        await receiver.headed()
        await connection.readUntilIdle(20)
        assert.deepEqual(receiver.calls, ['connect', 'head'])
        exchange.resume()
        await receiver.over()
        await connection.closed
        assert.deepEqual(receiver.calls, calls)
      }))

  test('trailers of a request go out behind its chunks', () =>
    withUpstream(async ({ upstream, open }) => {
      const { exchange, receiver } = open({ method: 'POST', contentLength: -1 })
      exchange.write(Buffer.from('abc'))
      exchange.write(Buffer.alloc(20_000, 'x'))
      exchange.end(['X-Sum', '7'])
      const { bytes, answer } = await upstream.expectRequest()
      const text = bytes.toString()
      assert.match(
        text,
        /^POST \/ HTTP\/1\.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4e20\r\nx+\r\n0\r\nX-Sum: 7\r\n\r\n$/,
      )
      await answer(empty)
      await receiver.over()
      assert.equal(receiver.error, null)
    }))

  for (const [name, pieces] of [
    ['more', ['abc', 'd']],
    ['less', ['ab']],
  ] as const)
    test(`a body of ${name} than its length is never sent as a whole request`, () =>
      withUpstream(async ({ upstream, open }) => {
        const { exchange, receiver } = open({ method: 'POST', contentLength: 3 })
        await until(() => receiver.connects.length, { what: 'the connection' })
        for (const piece of pieces) exchange.write(Buffer.from(piece))
        exchange.end()
        await receiver.over()
        assert.equal(receiver.error?.code, 'BODY_LENGTH_MISMATCH')
        const connection = await upstream.expectConnection()
        await closedByUs(connection)
      }))

  for (const bad of ['a\r\nX: y', 'a\u010ab'])
    test(`a value that would split the request (${JSON.stringify(bad)}) is never sent`, () =>
      withUpstream(async ({ open }) => {
        const { receiver } = open({ rawHeaders: ['Host', 'h', 'X', bad] })
        await receiver.over()
        assert.deepEqual(receiver.error, { kind: 'protocol', code: 'ERR_UNWRITABLE_HEAD', isUnsent: true })
      }))

  test('an answer during the upload is passed, and the connection not used again', () =>
    withUpstream(async ({ open }) => {
      await using upstream = await startRawUpstream(() => undefined)
      const origin = originOf(upstream.port)
      const { exchange, receiver } = open({ method: 'POST', contentLength: 1_000, origin })
      exchange.write(Buffer.from('part'))
      const connection = await upstream.expectConnection()
      await connection.readUntil('part')
      await connection.write('HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n')
      await receiver.over()
      assert.equal(receiver.status, 413)
      assert.equal(exchange.write(Buffer.from('late')), true)
      await closedByUs(connection)
    }))

  test('an upstream that answers early and closes is heard, though writing to it fails', async () => {
    for (let turn = 0; turn < 20; turn += 1) {
      await using upstream = await startRawUpstream((socket) => {
        socket.once('data', () => {
          socket.pause()
          socket.end('HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n', () => socket.destroy())
        })
      })
      const wire = new Http1Upstream({ extraCaPem: '' })
      const receiver = new RecordingUpstreamReceiver()
      const request = { ...bareRequest, method: 'POST', contentLength: -1, origin: originOf(upstream.port) }
      const exchange = wire.open(request, receiver)
      const piece = Buffer.alloc(65_536)
      while (!receiver.isEnded && receiver.error === null) {
        exchange.write(piece)
        await new Promise(setImmediate)
      }
      assert.deepEqual([receiver.status, receiver.error], [413, null])
      await wire.close()
    }
  })

  test('an upgrade becomes a tunnel, bytes right behind the head included', () =>
    withUpstream(async ({ open }) => {
      await using upstream = await startRawUpstream(() => undefined)
      const { receiver } = open({
        origin: originOf(upstream.port),
        isUpgrade: true,
        rawHeaders: ['Host', 'h', 'Sec-WebSocket-Key', 'x'],
      })
      let tunnel: Tunnel | null = null
      receiver.onUpgrade = (...given: unknown[]) => (tunnel = given[3] as Tunnel)
      const connection = await upstream.expectConnection()
      assert.match(
        (await connection.readUntil('\r\n\r\n')).toString(),
        /\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n$/,
      )
      await connection.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\nearly')
      await until(() => tunnel, { what: 'the tunnel' })
      const events: string[] = []
      const peer: TunnelReceiver = {
        onData: (chunk) => void events.push(Buffer.from(chunk).toString()),
        onDrain: () => undefined,
        onEnd: () => void events.push('end'),
        onClose: () => void events.push('close'),
      }
      tunnel!.receive(peer)
      tunnel!.write(Buffer.from('hello'))
      assert.equal((await connection.readExactly(5)).toString(), 'hello')
      await connection.write('later')
      await until(() => events.join('') === 'earlylater', { what: 'the bytes' })
      connection.end()
      await until(() => events.includes('end'), { what: 'the end' })
      tunnel!.end()
    }))

  test('a connection idle for longer than its timer is not used again', () =>
    withUpstream(async ({ upstream, open }) => {
      const origin = originOf(upstream.port, { idleTimeoutMs: 30 })
      const first = open({ origin })
      const request = await upstream.expectRequest()
      await request.answer(empty)
      await first.receiver.over()
      await closedByUs(request.connection)
      assert.equal(upstream.connections.length, 1)
    }))
  test('of more idle connections than maxIdle the surplus is used again at once, and closed when it has rested', () =>
    withUpstream(async ({ upstream, open }) => {
      const origin = originOf(upstream.port, { maxIdle: 1 })
      const serveTwo = async () => {
        const pair = [open({ origin }), open({ origin })]
        const requests = [await upstream.expectRequest(), await upstream.expectRequest()]
        for (const request of requests) await request.answer(empty)
        for (const { receiver } of pair) await receiver.over()
        return requests
      }
      await serveTwo()
      const [first, second] = await serveTwo()
      assert.equal(upstream.connections.length, 2)
      await Promise.race([closedByUs(first!.connection), closedByUs(second!.connection)])
      const last = open({ origin })
      const request = await upstream.expectRequest()
      await request.answer(empty)
      await last.receiver.over()
      assert.equal(upstream.connections.length, 2)
    }))
})
