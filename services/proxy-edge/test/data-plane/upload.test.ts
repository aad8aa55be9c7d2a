import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { startFakeProvider } from '@gpt-load/testkit/upstreams/fake-provider'
import { messageBody } from '@gpt-load/testkit/upstreams/http-framing'
import { connectRawClient } from '@gpt-load/testkit/upstreams/raw-client'
import { startRawUpstream } from '@gpt-load/testkit/upstreams/raw-upstream'
import { until } from '@gpt-load/testkit/until'
import { bearer } from '../support/chat-request.ts'
import { parseMessage, send } from '../support/http-message.ts'
import { openDataPlane } from '../support/open-data-plane.ts'

const mebibyte = 1_048_576
const crlf = Buffer.from('\r\n')
const keys = ['sk-first-key-000000001', 'sk-second-key-00000002']
const head = (length: number) =>
  ['POST /proxy/g/v1/audio/transcriptions HTTP/1.1', 'Host: h', bearer, `Content-Length: ${length}`, '', ''].join(
    '\r\n',
  )

suite('upload', () => {
  test('an upstream that reads nothing stops the client: less than 8 MiB are held', async () => {
    await using upstream = await startRawUpstream((socket) => void socket.pause())
    await using plane = await openDataPlane({ groups: [{ name: 'g', upstreams: [upstream.url], keys }] })
    using client = await connectRawClient({ port: plane.port })
    await client.write(head(64 * mebibyte))
    let taken = 0
    const piece = Buffer.alloc(65_536)
    const send = () =>
      void client.write(piece).then(
        () => ((taken += 1), send()),
        () => undefined,
      )
    send()
    let before = -1
    await until(() => before === (before = taken), { what: 'the upload to stall', intervalMs: 200 })
    client.reset()
    const event = await plane.nextEvent()
    assert.ok(event.bytesIn < 8 * mebibyte, `${event.bytesIn} bytes were taken in`)
  })

  test('an upstream that reads slowly gets every byte, while the client waits', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai', maxBodyBytes: 0 })
    await using plane = await openDataPlane({ groups: [{ name: 'g', upstreams: [provider.url], keys }] })
    provider.everyKey.respond({ status: 200, body: 'ok' })
    const body = Buffer.alloc(24 * mebibyte)
    for (let index = 0; index < body.length; index += 4_096) body.writeUInt32BE(index, index)
    const answer = await send(plane.port, { target: '/proxy/g/v1/files', headers: [bearer], body })
    assert.equal(answer.body, 'ok')
    assert.equal(provider.requests[0]!.bodyBytes, body.length)
    assert.equal(provider.requests[0]!.header('content-length'), String(body.length))
    assert.equal(plane.services.replay.heldBytes, 0)
    const event = await plane.nextEvent()
    assert.equal(event.bytesIn, body.length)
  })

  for (const framing of ['length', 'chunks'])
    test(`every byte arrives as it was sent, with ${framing}, whatever was freed meanwhile`, async () => {
      await using upstream = await startRawUpstream((socket) => {
        socket.pause()
        setTimeout(() => socket.resume(), 150)
      })
      await using plane = await openDataPlane({ groups: [{ name: 'g', upstreams: [upstream.url], keys }] })
      using client = await connectRawClient({ port: plane.port })
      const body = Buffer.alloc(12 * mebibyte + 7)
      for (let index = 0; index + 4 <= body.length; index += 4) body.writeUInt32BE((index * 2_654_435_761) >>> 0, index)
      const start = head(body.length)
      const sent = [Buffer.from(start)]
      if (framing === 'length') sent.push(body)
      else {
        sent[0] = Buffer.from(start.replace(/Content-Length: .*/, 'Transfer-Encoding: chunked'))
        for (let at = 0, size = 1; at < body.length; at += size, size = (size * 7) % 300_007)
          sent.push(
            Buffer.from(`${Math.min(size, body.length - at).toString(16)}\r\n`),
            body.subarray(at, at + size),
            crlf,
          )
        sent.push(Buffer.from('0\r\n\r\n'))
      }
      const writing = client.write(Buffer.concat(sent))
      const connection = await upstream.expectConnection()
      const received = messageBody(await connection.readRequest(20_000))
      assert.ok(received.equals(body))
      await writing
      await connection.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
      assert.equal(parseMessage(await client.readResponse()).body, 'ok')
    })

  test('a large body begins to flow before it is whole', async () => {
    await using upstream = await startRawUpstream(() => undefined)
    await using plane = await openDataPlane({ groups: [{ name: 'g', upstreams: [upstream.url], keys }] })
    using client = await connectRawClient({ port: plane.port })
    await client.write(head(mebibyte) + 'x'.repeat(100_000))
    const connection = await upstream.expectConnection()
    await connection.readUntil('\r\n\r\n')
    assert.equal((await connection.readExactly(100_000)).length, 100_000)
    await client.write('y'.repeat(mebibyte - 100_000))
    assert.equal((await connection.readExactly(mebibyte - 100_000)).length, mebibyte - 100_000)
    await connection.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
    assert.equal(parseMessage(await client.readResponse()).body, 'ok')
  })

  test('a body inside the replay buffer is sent whole again, also when it was still coming', async () => {
    await using upstream = await startRawUpstream(() => undefined)
    await using plane = await openDataPlane({ groups: [{ name: 'g', upstreams: [upstream.url], keys }] })
    using client = await connectRawClient({ port: plane.port })
    await client.write(head(300_000) + 'x'.repeat(100_000))
    const first = await upstream.expectConnection()
    await first.readUntil('\r\n\r\n')
    await first.readExactly(100_000)
    first.reset()
    const second = await upstream.expectConnection()
    await client.write('y'.repeat(200_000))
    const request = parseMessage(await second.readRequest())
    assert.equal(request.body, 'x'.repeat(100_000) + 'y'.repeat(200_000))
    await second.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
    assert.equal(parseMessage(await client.readResponse()).status, 200)
  })

  for (const length of [20_000, 300_000])
    test(`a body of ${length} bytes is let go when its answer begins, not when it ends`, async () => {
      await using upstream = await startRawUpstream(() => undefined)
      await using plane = await openDataPlane({ groups: [{ name: 'g', upstreams: [upstream.url], keys }] })
      using client = await connectRawClient({ port: plane.port })
      await client.write(head(length) + 'x'.repeat(length))
      const connection = await upstream.expectConnection()
      await connection.readUntil('\r\n\r\n')
      await connection.readExactly(length)
      const { heldBytes } = plane.services.replay
      // Whole blocks, filled to the half at least.
      assert.ok(heldBytes >= length && heldBytes <= 2 * length, `${heldBytes} bytes are held`)
      await connection.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nmore\r\n')
      await client.readUntil('more')
      assert.equal(plane.services.replay.heldBytes, 0)
      await connection.write('0\r\n\r\n')
      await client.readUntil('0\r\n\r\n')
    })

  test('what comes after an early answer has begun still reaches the upstream, and none of it is held', async () => {
    await using upstream = await startRawUpstream(() => undefined)
    await using plane = await openDataPlane({ groups: [{ name: 'g', upstreams: [upstream.url], keys }] })
    using client = await connectRawClient({ port: plane.port })
    await client.write(head(300_000) + 'x'.repeat(100_000))
    const connection = await upstream.expectConnection()
    await connection.readUntil('\r\n\r\n')
    await connection.readExactly(100_000)
    await connection.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nmore\r\n')
    await client.readUntil('more')
    await client.write('y'.repeat(200_000))
    assert.equal((await connection.readExactly(200_000)).toString(), 'y'.repeat(200_000))
    assert.equal(plane.services.replay.heldBytes, 0)
    await connection.write('0\r\n\r\n')
    await client.readUntil('0\r\n\r\n')
  })

  for (const [name, options] of [
    ['past the replay buffer of its group', { settings: { replay_buffer_bytes: 1_000 } }],
    ['past the memory of the worker', { maxReplayBytes: 1_000 }],
  ] as const)
    test(`a body ${name} flows through, without retry`, async () => {
      await using provider = await startFakeProvider({ dialect: 'openai' })
      await using plane = await openDataPlane({ groups: [{ name: 'g', upstreams: [provider.url], keys }], ...options })
      const body = 'x'.repeat(50_000)
      provider.everyKey.respond({ status: 500, body: 'no' }, { times: 1 }).respond({ status: 200, body: 'ok' })
      const failed = await send(plane.port, { target: '/proxy/g/v1/files', headers: [bearer], body })
      assert.deepEqual([failed.status, provider.requests.length], [500, 1])
      const served = await send(plane.port, { target: '/proxy/g/v1/files', headers: [bearer], body })
      assert.deepEqual([served.status, provider.requests[1]!.body.toString()], [200, body])
      assert.equal(plane.services.replay.heldBytes, 0)
    })

  test('a chunked body stays chunked when nothing touches it', async () => {
    await using upstream = await startRawUpstream()
    await using plane = await openDataPlane({ groups: [{ name: 'g', upstreams: [upstream.url], keys }] })
    using client = await connectRawClient({ port: plane.port })
    const start = ['POST /proxy/g/v1/files HTTP/1.1', 'Host: h', bearer, 'Transfer-Encoding: chunked', '', '']
    await client.write(`${start.join('\r\n')}3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n`)
    const { bytes, answer } = await upstream.expectRequest()
    const request = parseMessage(bytes)
    assert.deepEqual([request.header('transfer-encoding'), request.body], ['chunked', 'abcdef'])
    assert.equal(request.header('content-length'), undefined)
    await answer('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
    assert.equal(parseMessage(await client.readResponse()).status, 200)
  })

  test('an answer that comes before the body is whole is passed on, and the client may finish', async () => {
    await using upstream = await startRawUpstream(() => undefined)
    await using plane = await openDataPlane({ groups: [{ name: 'g', upstreams: [upstream.url], keys }] })
    using client = await connectRawClient({ port: plane.port })
    await client.write(head(300_000) + 'x'.repeat(100_000))
    const connection = await upstream.expectConnection()
    await connection.readUntil('\r\n\r\n')
    await connection.write('HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig')
    const answer = parseMessage(await client.readResponse())
    assert.deepEqual([answer.status, answer.body], [413, 'big'])
    await client.write('y'.repeat(200_000))
    await client.write(`GET /proxy/none/ HTTP/1.1\r\nHost: h\r\n\r\n`)
    assert.equal(parseMessage(await client.readResponse()).status, 401)
  })
})
