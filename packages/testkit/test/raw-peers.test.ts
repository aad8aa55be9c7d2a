import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createCertificateAuthority } from '../src/servers/certificate-authority.ts'
import { messageBody, messageLength } from '../src/upstreams/http-framing.ts'
import { connectRawClient } from '../src/upstreams/raw-client.ts'
import { startRawUpstream } from '../src/upstreams/raw-upstream.ts'

const POST = 'POST /a%2Fb?x=1 HTTP/1.1\r\nHost: h\r\nX-Odd:  two  spaces \r\nContent-Length: 5\r\n\r\nhello'
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
const CHUNKED =
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;ext=1\r\nab\r\n3\r\n\r\nc\r\n0\r\nTrailer: t\r\n\r\n'

test('what is written is what is read, byte for byte, on both sides', async () => {
  await using upstream = await startRawUpstream()
  using client = await connectRawClient(upstream)
  await client.writePieces([POST.slice(0, 3), POST.slice(3, 30), POST.slice(30)])
  const request = await upstream.expectRequest()
  assert.equal(request.bytes.toString('latin1'), POST)
  await request.answer(OK)
  assert.equal((await client.readResponse()).toString('latin1'), OK)
})

test('pipelined requests are taken apart, interim responses are messages of their own', async () => {
  await using upstream = await startRawUpstream()
  using client = await connectRawClient(upstream)
  await client.write(POST + 'GET / HTTP/1.1\r\n\r\n')
  assert.equal((await upstream.expectRequest()).bytes.toString(), POST)
  const second = await upstream.expectRequest()
  assert.equal(second.bytes.toString(), 'GET / HTTP/1.1\r\n\r\n')
  await second.answer('HTTP/1.1 103 Early Hints\r\n\r\n' + CHUNKED)
  assert.match((await client.readResponse()).toString(), /^HTTP\/1.1 103/)
  assert.equal((await client.readResponse()).toString(), CHUNKED)
})

test('a response without length ends with the connection; one to HEAD with its head', async () => {
  await using upstream = await startRawUpstream(async (_socket, connection) => {
    const head = await connection.readRequest()
    await connection.write('HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n')
    assert.match(head.toString(), /^HEAD/)
    await connection.readRequest()
    await connection.write('HTTP/1.0 200 OK\r\n\r\nuntil the end')
    connection.end()
  })
  using client = await connectRawClient(upstream)
  await client.write('HEAD / HTTP/1.1\r\n\r\n')
  assert.match((await client.readResponse({ isHead: true })).toString(), /99\r\n\r\n$/)
  await client.write('GET / HTTP/1.1\r\n\r\n')
  assert.match((await client.readResponse()).toString(), /until the end$/)
  assert.deepEqual(upstream.handlerErrors, [])
})

test('a reset is told from an end, and both from a time-out', async () => {
  await using upstream = await startRawUpstream(async (_socket, connection) => {
    const mode = await connection.readUntil('\n')
    if (mode.toString() === 'reset\n') return connection.reset()
    if (mode.toString() === 'end\n') return connection.end()
  })
  using reset = await connectRawClient(upstream)
  await reset.write('reset\n')
  assert.equal(await reset.closed, 'reset')
  using ended = await connectRawClient(upstream)
  await ended.write('end\n')
  await assert.rejects(ended.readExactly(1), /ended before 1 bytes/)
  using silent = await connectRawClient(upstream)
  await silent.write('nothing\n')
  await assert.rejects(silent.readResponse({ timeoutMs: 20 }), /no a whole response within 20 ms; 0 unread bytes/)
})

test('a failing handler is kept, not swallowed', async () => {
  await using upstream = await startRawUpstream(() => {
    throw new Error('wrong request')
  })
  using client = await connectRawClient(upstream)
  await upstream.expectConnection()
  assert.match(String(upstream.handlerErrors[0]), /wrong request/)
  client.end()
})

test('TLS is accepted with the CA and refused without', async () => {
  using authority = await createCertificateAuthority()
  await using upstream = await startRawUpstream(undefined, { tls: await authority.issue() })
  await assert.rejects(connectRawClient({ port: upstream.port, tls: {} }), /certificate/)
  using client = await connectRawClient({ port: upstream.port, tls: { ca: authority.caPem } })
  await client.write(POST)
  assert.equal((await upstream.expectRequest()).bytes.toString(), POST)
})

test('an 8 MiB chunked body passes whole', async () => {
  const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`
  const message = Buffer.from(`POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n${chunk.repeat(128)}0\r\n\r\n`)
  await using upstream = await startRawUpstream()
  using client = await connectRawClient(upstream)
  void client.write(message)
  const { bytes } = await upstream.expectRequest()
  assert.ok(bytes.equals(message))
  assert.equal(messageBody(bytes).length, 8 * 1024 * 1024)
})

test('every prefix of a message is unfinished, whatever its framing', () => {
  for (const [text, kind] of [
    [POST, 'request'],
    [CHUNKED, 'response'],
    [OK, 'response'],
  ] as const) {
    const bytes = Buffer.from(text)
    for (let length = 0; length < bytes.length; length++) {
      assert.equal(messageLength(bytes.subarray(0, length), kind), undefined, `${text.slice(0, 20)} at ${length}`)
    }
    assert.equal(messageLength(Buffer.concat([bytes, bytes]), kind), bytes.length)
  }
})
