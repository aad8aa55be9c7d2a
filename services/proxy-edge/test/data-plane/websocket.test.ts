import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { suite, test } from 'node:test'
import { until } from '@gpt-load/testkit/until'
import { connectRawClient } from '@gpt-load/testkit/upstreams/raw-client'
import { startRawUpstream, type RawRequest, type RawUpstream } from '@gpt-load/testkit/upstreams/raw-upstream'
import { accessToken, openDataPlane, type TestGroup } from '../support/open-data-plane.ts'

// Upgrades need our own wire: node:http and undici carry such a request as an ordinary one.
const skip = process.env['GPTLOAD_TEST_WIRE'] === 'node' ? 'WIRE=node does not switch protocols' : false
const keys = ['sk-first-key-000000001', 'sk-second-key-00000002']
const websocketKey = 'dGhlIHNhbXBsZSBub25jZQ=='
/** RFC 6455 1.3. */
const accept = createHash('sha1').update(`${websocketKey}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
const switched = `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: realtime\r\n\r\n`

function handshake(path: string, headers: readonly string[]): string {
  const lines = [
    `GET ${path} HTTP/1.1`,
    'Host: h',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${websocketKey}`,
    ...headers,
  ]
  return `${lines.join('\r\n')}\r\n\r\n`
}

const ofRealtime = handshake('/proxy/g/v1/realtime?model=gpt-realtime', [
  `Sec-WebSocket-Protocol: realtime, openai-insecure-api-key.${accessToken}, openai-beta.realtime-v1`,
])

async function open(upstream: RawUpstream, group: Partial<TestGroup> = {}) {
  const plane = await openDataPlane({ groups: [{ name: 'g', upstreams: [upstream.url], keys, ...group }] })
  const client = await connectRawClient({ port: plane.port })
  return {
    plane,
    client,
    async [Symbol.asyncDispose]() {
      client[Symbol.dispose]()
      await plane[Symbol.asyncDispose]()
    },
  }
}

const textOf = ({ bytes }: RawRequest): string => bytes.toString('latin1')

suite('WebSockets', { skip }, () => {
  test('the key goes where it belongs, the access key nowhere; frames pass both ways untouched', async () => {
    // One reader of the connection: this test.
    await using upstream = await startRawUpstream(() => undefined)
    await using system = await open(upstream)
    await system.client.write(ofRealtime)
    const connection = await upstream.expectConnection()
    const head = (await connection.readUntil('\r\n\r\n')).toString('latin1')
    assert.match(head, /^GET \/v1\/realtime\?model=gpt-realtime HTTP\/1\.1\r\n/)
    assert.match(head, /\r\nConnection: upgrade\r\n/i)
    assert.match(head, /\r\nUpgrade: websocket\r\n/i)
    assert.match(head, /\r\nAuthorization: Bearer sk-(first|second)-key/)
    assert.match(head, /\r\nSec-WebSocket-Protocol: realtime, ?openai-beta\.realtime-v1\r\n/i)
    assert.ok(!head.includes(accessToken))
    const frame = Buffer.from([0x81, 0x02, 0x68, 0x69])
    // A frame behind the head, in the same packet.
    await connection.write(Buffer.concat([Buffer.from(switched, 'latin1'), frame]))
    const answer = (await system.client.readUntil(frame)).toString('latin1')
    assert.match(answer, /^HTTP\/1\.1 101 Switching Protocols\r\n/)
    assert.match(answer, /\r\nConnection: upgrade\r\n/i)
    assert.ok(answer.includes(`Sec-WebSocket-Accept: ${accept}\r\n`))
    const masked = Buffer.from([0x81, 0x82, 1, 2, 3, 4, 0x69, 0x6b])
    await system.client.write(masked)
    assert.ok((await connection.readExactly(masked.length)).equals(masked))
    const large = Buffer.alloc(3_000_000, 7)
    void connection.write(large)
    assert.ok((await system.client.readExactly(large.length)).equals(large))
    connection.end()
    const record = await system.plane.nextEvent()
    assert.deepEqual([record.status, record.endReason, record.isStream], [101, 'complete', true])
    assert.deepEqual([record.bytesIn, record.bytesOut], [masked.length, frame.length + large.length])
    assert.equal(record.attempts.length, 1)
  })

  test('an upstream that refuses one key is asked with another one', async () => {
    await using upstream = await startRawUpstream()
    await using system = await open(upstream)
    await system.client.write(ofRealtime)
    const first = await upstream.expectRequest()
    const body = '{"error":{"code":"rate_limit_exceeded"}}'
    const head = 'HTTP/1.1 429 Slow\r\nContent-Type: application/json\r\n'
    await first.answer(`${head}Content-Length: ${body.length}\r\n\r\n${body}`)
    const second = await upstream.expectRequest()
    assert.notEqual(/Bearer (\S+)/.exec(textOf(first))?.[1], /Bearer (\S+)/.exec(textOf(second))?.[1])
    await second.answer(switched)
    assert.match((await system.client.readUntil('\r\n\r\n')).toString(), /^HTTP\/1\.1 101/)
  })

  test('an upstream that refuses the upgrade is heard, and the connection goes on', async () => {
    await using upstream = await startRawUpstream()
    await using system = await open(upstream)
    await system.client.write(ofRealtime)
    await (await upstream.expectRequest()).answer('HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno')
    assert.match((await system.client.readResponse()).toString(), /^HTTP\/1\.1 404 Not Found\r\n[\s\S]*no$/)
  })

  test('a wrong access key is refused before any upstream hears of it', async () => {
    await using upstream = await startRawUpstream()
    await using system = await open(upstream)
    await system.client.write(ofRealtime.replace(accessToken, 'team-b-access-key-0002'))
    assert.match((await system.client.readResponse()).toString(), /^HTTP\/1\.1 401 /)
    assert.equal(upstream.connections.length, 0)
  })

  test('a client that leaves ends the upstream, and the other way round', async () => {
    await using upstream = await startRawUpstream()
    await using system = await open(upstream)
    await system.client.write(ofRealtime)
    const { connection, answer } = await upstream.expectRequest()
    await answer(switched)
    await system.client.readUntil('\r\n\r\n')
    system.client.reset()
    await until(() => connection.isEnded, { what: 'the upstream to see the end', intervalMs: 1 })
    assert.equal((await system.plane.nextEvent()).status, 101)
    assert.equal(system.plane.services.counters.get('in_flight'), 0)
    assert.equal(system.plane.services.wheel.armedCount, 0)
    assert.equal(system.plane.outcomes.length, 0)
  })

  test('silence both ways ends it after websocket_idle_timeout_ms', async () => {
    await using upstream = await startRawUpstream()
    await using system = await open(upstream, { settings: { websocket_idle_timeout_ms: 40 } })
    await system.client.write(ofRealtime)
    await (await upstream.expectRequest()).answer(switched)
    await system.client.readUntil('\r\n\r\n')
    assert.equal((await system.plane.nextEvent()).endReason, 'timeout')
    await until(() => system.client.isEnded, { what: 'the end' })
  })

  test('counts against the bound of its group for as long as it is open', async () => {
    await using upstream = await startRawUpstream()
    await using system = await open(upstream, { settings: { max_concurrent_requests: 1 } })
    await system.client.write(ofRealtime)
    await (await upstream.expectRequest()).answer(switched)
    await system.client.readUntil('\r\n\r\n')
    using other = await connectRawClient({ port: system.plane.port })
    await other.write(ofRealtime)
    assert.match((await other.readResponse()).toString(), /^HTTP\/1\.1 429 /)
  })

  test('a reader that has stopped stops the writer: nothing piles up between them', async () => {
    await using upstream = await startRawUpstream()
    await using system = await open(upstream)
    await system.client.write(ofRealtime)
    const { connection, answer } = await upstream.expectRequest()
    await answer(switched)
    await system.client.readUntil('\r\n\r\n')
    system.client.pause()
    let written = 0
    const chunk = Buffer.alloc(1_000_000)
    const writing = (async () => {
      for (; written < 64; written += 1) await connection.write(chunk)
    })()
    let before = -1
    await until(
      () => {
        const stands = written === before
        before = written
        return stands && written > 0
      },
      { what: 'the writer to be stopped', intervalMs: 200, timeoutMs: 10_000 },
    )
    assert.ok(written < 32, `${written} MB were taken`)
    system.client.resume()
    await system.client.readExactly(64 * chunk.length, 20_000)
    await writing
  })
})
