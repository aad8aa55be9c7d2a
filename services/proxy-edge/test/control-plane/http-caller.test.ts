import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import { suite, test } from 'node:test'
import type { RawConnection } from '@gpt-load/testkit/upstreams/raw-connection'
import { startRawUpstream } from '@gpt-load/testkit/upstreams/raw-upstream'
import { until } from '@gpt-load/testkit/until'
import { type HttpCall, HttpCaller, type HttpCallerOptions } from '../../src/control-plane/http-caller.ts'

const call: HttpCall = { method: 'GET', headers: {}, answerTimeoutMs: 5_000 }

function openCaller(options: Partial<HttpCallerOptions> = {}) {
  const caller = new HttpCaller({ connectTimeoutMs: 5_000, pieceTimeoutMs: 5_000, keepAliveMs: 5_000, ...options })
  return Object.assign(caller, { [Symbol.dispose]: () => caller.close() })
}

const answerOf = (body: string) => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`

/** Answers each request of each connection with what comes next. */
async function startServer(...answers: string[]) {
  return startRawUpstream(async (_socket, connection) => {
    for (;;) {
      await connection.readRequest()
      await connection.write(answers.shift() ?? '')
    }
  })
}

suite('a call', () => {
  test('sends what it was given and reads the answer; its connection serves the next one', async () => {
    await using server = await startRawUpstream()
    using caller = openCaller()
    for (const path of ['/a?b=c', '/d']) {
      const answered = caller.send(new URL(path, server.url), {
        method: 'POST',
        headers: { authorization: 'Bearer t' },
        body: '{"a":1}',
        answerTimeoutMs: 5_000,
      })
      const { bytes, answer } = await server.expectRequest()
      assert.match(
        bytes.toString(),
        new RegExp(`^POST ${path.replace('?', '\\?')} HTTP/1.1\r\nauthorization: Bearer t\r\n`),
      )
      assert.match(bytes.toString(), /\r\n\r\n\{"a":1\}$/)
      await answer(answerOf('[1]'))
      const { status, headers, ...rest } = await answered
      assert.deepEqual([status, headers['content-length'], Object.keys(rest)], [200, '3', []])
      assert.deepEqual(await (await answered).json(10), [1])
    }
    assert.equal(server.connections.length, 1)
  })

  test('a body that is dropped leaves the connection for the next call; a long one closes it', async () => {
    await using server = await startServer(answerOf('x'.repeat(100)), answerOf('x'.repeat(100)), answerOf('2'))
    using caller = openCaller()
    const send = () => caller.send(new URL(server.url), call)
    await (await send()).drop(100)
    await (await send()).drop(99)
    assert.equal(server.connections.length, 1)
    assert.equal(await (await send()).json(1), 2)
    assert.equal(server.connections.length, 2)
  })

  test('refuses JSON that is longer than it may be, with and without a length', async () => {
    const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n"xx"\r\n0\r\n\r\n'
    await using server = await startServer(answerOf('"xx"'), chunked, chunked)
    using caller = openCaller()
    const send = () => caller.send(new URL(server.url), call)
    await assert.rejects((await send()).json(3), /larger than it may be/)
    await assert.rejects((await send()).json(3), /larger than it may be/)
    assert.equal(await (await send()).json(4), 'xx')
  })

  test('a kept connection that the server has closed costs a second try, a new one none', async () => {
    let connections = 0
    await using server = await startRawUpstream(async (socket, connection) => {
      connections += 1
      await connection.readRequest()
      if (connections === 3) return socket.resetAndDestroy()
      await connection.write(answerOf('1'))
      await connection.readRequest()
      socket.resetAndDestroy()
    })
    using caller = openCaller()
    const send = async () => (await caller.send(new URL(server.url), call)).json(1)
    assert.equal(await send(), 1)
    assert.equal(await send(), 1)
    assert.equal(connections, 2)
    await assert.rejects(send(), { code: 'ECONNRESET' })
    assert.equal(connections, 3)
  })
})

suite('a call is broken off', () => {
  test('when nobody listens', async () => {
    const server = await startRawUpstream()
    await server.close()
    using caller = openCaller()
    await assert.rejects(caller.send(new URL(server.url), call), { code: 'ECONNREFUSED' })
  })

  test('when there is no connection in time: one over TLS is there after the handshake', async () => {
    await using server = await startRawUpstream(() => undefined)
    using caller = openCaller({ connectTimeoutMs: 50 })
    const url = new URL(server.url.replace('http:', 'https:'))
    await assert.rejects(caller.send(url, call), /no connection within 50 ms/)
    await until(() => server.connections[0]?.isEnded === true, { what: 'the end' })
  })

  test('when there is no answer in time, however long the connection may take', async () => {
    await using server = await startRawUpstream(() => undefined)
    using caller = openCaller()
    await assert.rejects(caller.send(new URL(server.url), { ...call, answerTimeoutMs: 50 }), /no answer within 50 ms/)
    await until(() => server.connections[0]?.isEnded === true, { what: 'the end' })
  })

  test('when a body stops, but not while its reader takes its time', async () => {
    let peer: RawConnection | undefined
    await using server = await startRawUpstream(async (_socket, connection) => {
      peer = connection
      await connection.readRequest()
      await connection.write('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n12')
    })
    using caller = openCaller({ pieceTimeoutMs: 100 })
    const answer = await caller.send(new URL(server.url), call)
    const read: string[] = []
    const reading = (async () => {
      for await (const piece of answer.pieces()) {
        read.push(piece.toString())
        if (read.length > 1) continue
        await pause(300)
        await peer!.write('34')
      }
    })()
    await assert.rejects(reading, /stopped for 100 ms/)
    assert.deepEqual(read, ['12', '34'])
    await until(() => peer!.isEnded, { what: 'the end' })
  })

  test('when its caller gives it up, before the answer and within', async () => {
    await using server = await startServer('', 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n12')
    using caller = openCaller()
    const before = new AbortController()
    const unanswered = caller.send(new URL(server.url), { ...call, signal: before.signal })
    await until(() => (server.connections[0]?.receivedBytes ?? 0) > 0, { what: 'the request' })
    before.abort()
    await assert.rejects(unanswered, { name: 'AbortError' })
    const within = new AbortController()
    const answer = await caller.send(new URL(server.url), { ...call, signal: within.signal })
    const reading = answer.json(10)
    within.abort()
    await assert.rejects(reading)
    await until(() => server.connections.every(({ isEnded }) => isEnded), { what: 'the ends' })
  })

  test('when the server breaks off its answer, and when the caller closes', async () => {
    await using server = await startRawUpstream(async (socket, connection) => {
      await connection.readRequest()
      await connection.write('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n12')
      if (server.connections.length === 1) socket.resetAndDestroy()
    })
    using caller = openCaller()
    const send = () => caller.send(new URL(server.url), call)
    await assert.rejects((await send()).json(10), { code: 'ECONNRESET' })
    const reading = (await send()).json(10)
    caller.close()
    await assert.rejects(reading, { code: 'ECONNRESET' })
  })
})
