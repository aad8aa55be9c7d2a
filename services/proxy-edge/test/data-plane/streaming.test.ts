import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { suite, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { RawConnection } from '@gpt-load/testkit/upstreams/raw-connection'
import { startFakeProvider } from '@gpt-load/testkit/upstreams/fake-provider'
import { connectRawClient } from '@gpt-load/testkit/upstreams/raw-client'
import { startRawUpstream } from '@gpt-load/testkit/upstreams/raw-upstream'
import { until } from '@gpt-load/testkit/until'
import { OwnRead } from '../../src/data-plane/wire/connect/own-read.ts'
import { chat } from '../support/chat-request.ts'
import { parseMessage, requestBytes, send } from '../support/http-message.ts'
import { openDataPlane } from '../support/open-data-plane.ts'

/** Sizes around those of reads and of pieces that are copied. */
const pieceBytes = [1, 100, 16_000, 17_000, 65_536, 70_000]

async function sendInPieces(connection: RawConnection, body: Buffer, isChunked: boolean): Promise<void> {
  const framing = isChunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${body.length}`
  await connection.write(`HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n${framing}\r\n\r\n`)
  for (let at = 0, turn = 0; at < body.length; turn += 1) {
    const piece = body.subarray(at, at + pieceBytes[turn % pieceBytes.length]!)
    at += piece.length
    const frame = [Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n')]
    await connection.write(isChunked ? Buffer.concat(frame) : piece)
  }
  if (isChunked) await connection.write('0\r\n\r\n')
}

function bodyOf(answer: Buffer): Buffer {
  const bodyAt = answer.indexOf('\r\n\r\n') + 4
  if (!/\r\ntransfer-encoding: chunked\r\n/i.test(answer.toString('latin1', 0, bodyAt))) return answer.subarray(bodyAt)
  const parts: Buffer[] = []
  for (let at = bodyAt; ;) {
    const lineEnd = answer.indexOf('\r\n', at)
    const length = Number.parseInt(answer.toString('latin1', at, lineEnd), 16)
    if (length === 0) return Buffer.concat(parts)
    parts.push(answer.subarray(lineEnd + 2, lineEnd + 2 + length))
    at = lineEnd + 2 + length + 2
  }
}

const keys = ['sk-first-key-000000001']

suite('streaming', () => {
  test('each event reaches the client before the next one is made', async () => {
    await using upstream = await startRawUpstream()
    await using plane = await openDataPlane({ groups: [{ name: 'g', upstreams: [upstream.url], keys }] })
    using client = await connectRawClient({ port: plane.port })
    await client.write(requestBytes(chat('g', { stream: true })))
    const { answer, connection } = await upstream.expectRequest()
    await answer('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n')
    const head = (await client.readUntil('\r\n\r\n')).toString()
    assert.match(head, /x-accel-buffering: no\r\n/i)
    assert.match(head, /x-gptload-request-id: \S+\r\n/)
    for (const event of ['data: {"a":1}\n\n', 'data: \xff\xfe\n\n', ': comment\r\n\r\n']) {
      await connection.write(`${event.length.toString(16)}\r\n${event}\r\n`)
      assert.equal((await client.readUntil(Buffer.from(event, 'latin1'))).toString('latin1').endsWith(event), true)
    }
    await connection.write('0\r\nX-Trailer: t\r\n\r\n')
    assert.match((await client.readUntil('\r\n\r\n')).toString(), /0\r\nX-Trailer: t\r\n\r\n$/)
  })

  for (const coding of [undefined, 'gzip', 'br'] as const)
    test(`a stream (${coding ?? 'plain'}) passes byte for byte, its tokens are read beside it`, async () => {
      await using provider = await startFakeProvider({ dialect: 'openai', ...(coding && { coding }) })
      await using plane = await openDataPlane({ groups: [{ name: 'g', upstreams: [provider.url], keys }] })
      const request = chat('g', { stream: true, stream_options: { include_usage: true } }, [
        `Accept-Encoding: ${coding ?? 'identity'}`,
      ])
      const answer = await send(plane.port, request)
      assert.equal(answer.header('content-encoding'), coding)
      if (coding === undefined) assert.match(answer.body, /data: \[DONE\]\n\n$/)
      const event = await plane.nextEvent()
      assert.deepEqual([event.tokens.input, event.tokens.output], [12, 34])
      assert.deepEqual([event.isStream, event.endReason, event.status], [true, 'complete', 200])
      assert.equal(event.bytesOut, answer.body.length)
      if (coding === undefined) assert.ok(event.firstTokenMs >= event.firstByteMs && event.firstByteMs >= 0)
    })

  test('the record of a whole answer has tokens, models, attempt and times', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    await using plane = await openDataPlane({ groups: [{ name: 'g', upstreams: [`${provider.url}/base`], keys }] })
    provider.reply({ usage: { cachedTokens: 5 } })
    const request = chat('g', {}, ['User-Agent: OpenAI/JS 7'])
    await send(plane.port, { ...request, target: request.target.replace('/proxy', '/proxy') })
    const event = await plane.nextEvent()
    assert.deepEqual(
      [event.groupId, event.groupName, event.memberGroupId, event.channel, event.method, event.userAgent],
      [1, 'g', 1, 'openai', 'POST', 'OpenAI/JS 7'],
    )
    assert.deepEqual([event.modelRequested, event.modelSent, event.accessKeyId], ['gpt-4.1-nano', 'gpt-4.1-nano', 1])
    assert.deepEqual(
      [event.clientAddress, event.isStream, event.bytesIn],
      ['127.0.0.1', false, Buffer.byteLength(request.body!)],
    )
    const [attempt] = event.attempts
    assert.deepEqual([attempt!.number, attempt!.keyId, attempt!.keyHint], [1, 1, 'sk-…001'])
    assert.equal(attempt!.upstream, `${provider.url}/base`)
    assert.ok(attempt!.connectMs >= 0 && attempt!.headMs >= attempt!.connectMs && attempt!.endMs >= attempt!.headMs)
  })

  test('request_timeout does not cut a stream, though the request did not ask for one', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    const groups = [{ name: 'g', upstreams: [provider.url], keys, settings: { request_timeout: 1 } }]
    await using plane = await openDataPlane({ groups })
    const headers = { 'content-type': 'text/event-stream; charset=utf-8' }
    provider.everyKey.respond({ headers, body: 'data: {}\n\n'.repeat(8), chunkSizes: [10], intervalMs: 170 })
    const answer = await send(plane.port, chat('g'))
    assert.equal(answer.body.length, 80)
    assert.equal((await plane.nextEvent()).endReason, 'complete')
  })

  test('request_timeout cuts a whole answer that goes on for longer', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    const groups = [{ name: 'g', upstreams: [provider.url], keys, settings: { request_timeout: 1 } }]
    await using plane = await openDataPlane({ groups })
    provider.everyKey.respond({ body: 'x'.repeat(80), chunkSizes: [10], intervalMs: 170 })
    await send(plane.port, chat('g'))
    const event = await plane.nextEvent()
    assert.deepEqual([event.endReason, event.errorCode], ['timeout', 'timeout_total'])
  })

  test('a model that stands behind 64 KiB of the body is in the record', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    await using plane = await openDataPlane({ groups: [{ name: 'g', upstreams: [provider.url], keys }] })
    const body = JSON.stringify({ messages: [{ role: 'user', content: 'x'.repeat(300_000) }], model: 'late' })
    await send(plane.port, { ...chat('g'), body })
    const event = await plane.nextEvent()
    assert.deepEqual([event.modelRequested, event.modelSent], ['late', 'late'])
  })

  test('a client that reads nothing stops the upstream, and gets every byte later', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    await using plane = await openDataPlane({ groups: [{ name: 'g', upstreams: [provider.url], keys }] })
    const body = Buffer.alloc(48 * 1_048_576, 'abcdefgh')
    provider.everyKey.respond({ status: 200, body, headers: { 'content-type': 'application/octet-stream' } })
    using client = await connectRawClient({ port: plane.port })
    client.pause()
    await client.write(requestBytes(chat('g')))
    await provider.nextRequest()
    const before = process.memoryUsage().arrayBuffers
    for (let round = 0; round < 30; round += 1) await new Promise(setImmediate)
    assert.ok(process.memoryUsage().arrayBuffers - before < 24 * 1_048_576)
    client.resume()
    const answer = parseMessage(await client.readResponse({ timeoutMs: 20_000 }))
    assert.equal(answer.body.length, body.length)
    await plane.nextEvent()
  })

  test('answers side by side, to clients that stall, arrive whole and unmixed', async () => {
    await using upstream = await startRawUpstream()
    await using plane = await openDataPlane({ groups: [{ name: 'g', upstreams: [upstream.url], keys }] })
    const bodies = Array.from({ length: 3 }, () => randomBytes(12_000_000))
    const clients = await Promise.all(bodies.map(() => connectRawClient({ port: plane.port })))
    const sending: Promise<unknown>[] = []
    for (const [index, client] of clients.entries()) {
      client.pause()
      await client.write(requestBytes(chat('g')))
      const { connection } = await upstream.expectRequest()
      sending.push(sendInPieces(connection, bodies[index]!, index % 2 === 0))
    }
    for (const [index, client] of clients.entries()) {
      client.resume()
      const answer = await client.readResponse({ timeoutMs: 20_000 })
      assert.equal(Buffer.compare(bodyOf(answer), bodies[index]!), 0, `answer ${index}`)
      client[Symbol.dispose]()
    }
    await Promise.all(sending)
  })

  test('a client that stalls for longer than an upstream may be silent gets all of a fast answer', async () => {
    await using upstream = await startRawUpstream()
    const settings = { stream_idle_timeout_ms: 200 }
    await using plane = await openDataPlane({ groups: [{ name: 'g', upstreams: [upstream.url], keys, settings }] })
    const body = randomBytes(24_000_000)
    using client = await connectRawClient({ port: plane.port })
    client.pause()
    await client.write(requestBytes(chat('g')))
    const { connection } = await upstream.expectRequest()
    const sending = sendInPieces(connection, body, true)
    await delay(800)
    client.resume()
    assert.equal(Buffer.compare(bodyOf(await client.readResponse({ timeoutMs: 20_000 })), body), 0)
    await sending
    assert.equal((await plane.nextEvent()).endReason, 'complete')
  })

  test('what a slow client has still to get of an answer that was cut is not overwritten by another answer', async () => {
    await using upstream = await startRawUpstream()
    const settings = { request_timeout: 1 }
    await using plane = await openDataPlane({ groups: [{ name: 'g', upstreams: [upstream.url], keys, settings }] })
    using slow = await connectRawClient({ port: plane.port })
    slow.pause()
    await slow.write(requestBytes(chat('g')))
    const { connection } = await upstream.expectRequest()
    const sending = sendInPieces(connection, Buffer.alloc(24_000_000, 'A'), true).catch(() => 'cut')
    assert.equal((await plane.nextEvent()).endReason, 'timeout')
    for (let round = 0; round < 3; round += 1) {
      using quick = await connectRawClient({ port: plane.port })
      await quick.write(requestBytes(chat('g')))
      const { connection: other } = await upstream.expectRequest()
      const sendingOther = sendInPieces(other, Buffer.alloc(6_000_000, 'B'), true)
      assert.equal(bodyOf(await quick.readResponse({ timeoutMs: 20_000 })).length, 6_000_000)
      await sendingOther
    }
    slow.resume()
    const delivered = await slow.readUntilClose()
    assert.ok(delivered.length > 1_000_000)
    assert.equal(delivered.indexOf('B', delivered.indexOf('\r\n\r\n')), -1)
    assert.equal(await sending, 'cut')
  })

  test('a client that reads nothing of a fast stream is gone when its time is up', async () => {
    await using upstream = await startRawUpstream()
    const limits = { writeStallTimeoutMs: 300 }
    await using plane = await openDataPlane({ groups: [{ name: 'g', upstreams: [upstream.url], keys }], limits })
    using client = await connectRawClient({ port: plane.port })
    client.pause()
    await client.write(requestBytes(chat('g')))
    const { connection } = await upstream.expectRequest()
    const sending = sendInPieces(connection, Buffer.alloc(24_000_000, 'A'), true).catch(() => 'cut')
    assert.equal((await plane.nextEvent()).endReason, 'client_abort')
    await until(() => plane.downstream.openConnections === 0, { what: 'the end of its connection' })
    assert.equal(await sending, 'cut')
  })

  test('fast answers that are over leave their read buffers to others', async () => {
    await using upstream = await startRawUpstream()
    await using plane = await openDataPlane({ groups: [{ name: 'g', upstreams: [upstream.url], keys }] })
    const clients = await Promise.all(Array.from({ length: 6 }, () => connectRawClient({ port: plane.port })))
    // Side by side, so that each has a connection of its own, which is idle afterwards.
    await Promise.all(clients.map((client) => client.write(requestBytes(chat('g')))))
    const sending: Promise<void>[] = []
    for (const [index] of clients.entries()) {
      const { connection } = await upstream.expectRequest()
      sending.push(sendInPieces(connection, Buffer.alloc(3_000_000), index % 2 === 0))
    }
    for (const client of clients) await client.readResponse({ timeoutMs: 20_000 })
    await Promise.all(sending)
    for (const client of clients) client[Symbol.dispose]()
    const free = Array.from({ length: 32 }, () => OwnRead.take())
    assert.ok(free.every((own) => own !== null))
    for (const own of free) own!.leave()
  })

  test('HEAD, 204 and 304 pass with the headers that they have', async () => {
    await using upstream = await startRawUpstream()
    await using plane = await openDataPlane({ groups: [{ name: 'g', upstreams: [upstream.url], keys }] })
    for (const [method, head, status] of [
      ['HEAD', '200 OK\r\nContent-Length: 77\r\nEtag: "a"', 200],
      ['GET', '204 No Content\r\nEtag: "a"', 204],
      ['GET', '304 Not Modified\r\nEtag: "a"', 304],
    ] as const) {
      const sent = send(plane.port, { ...chat('g'), method, target: '/proxy/g/v1/x' })
      await (await upstream.expectRequest()).answer(`HTTP/1.1 ${head}\r\n\r\n`)
      const answer = await sent
      assert.deepEqual([answer.status, answer.header('etag'), answer.body], [status, '"a"', ''])
      if (method === 'HEAD') assert.equal(answer.header('content-length'), '77')
    }
  })

  test("the upstream's own hop-by-hop headers stop here, our request id wins", async () => {
    await using upstream = await startRawUpstream()
    await using plane = await openDataPlane({ groups: [{ name: 'g', upstreams: [upstream.url], keys }] })
    const sent = send(plane.port, chat('g'))
    await (
      await upstream.expectRequest()
    ).answer(
      'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nConnection: x-hop\r\nX-Hop: 1\r\n\r\n' +
        'HTTP/1.1 200 OK\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=9\r\nProxy-Authenticate: x\r\n' +
        'X-Gptload-Request-Id: theirs\r\nX-Request-Id: theirs\r\nContent-Length: 2\r\n\r\nok',
    )
    const early = await sent
    assert.equal(early.bytes.toString(), 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n')
    const event = await plane.nextEvent()
    assert.equal(event.status, 200)
  })
})
