import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { ChannelType } from '@gpt-load/contracts/channel-types'
import type { Settings } from '@gpt-load/contracts/settings'
import { until } from '@gpt-load/testkit/until'
import { connectRawClient } from '@gpt-load/testkit/upstreams/raw-client'
import type { RawConnection } from '@gpt-load/testkit/upstreams/raw-connection'
import { startRawUpstream, type RawUpstream } from '@gpt-load/testkit/upstreams/raw-upstream'
import { bearer } from '../support/chat-request.ts'
import { openDataPlane, type DataPlane } from '../support/open-data-plane.ts'

// At each stage and in each dialect: the upstream sees the close, everything is given back, no key is charged, the record
// says client_abort. How fast the close is seen is the benchmark's (abort); here it only has to be soon.

const soonMs = 1_000
const keys = ['sk-first-key-000000001']
const body = JSON.stringify({ model: 'm', stream: true, messages: [], contents: [] })
const streamHead = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n'

const paths: Partial<Record<ChannelType, string>> = {
  openai: '/v1/chat/completions',
  anthropic: '/v1/messages',
  gemini: '/v1beta/models/m:streamGenerateContent?alt=sse',
}

type Scene = { upstream: RawUpstream; client: RawConnection; plane: DataPlane }
type Stage = {
  settings?: Partial<Settings>
  /** The upstream is one that only a proxy reaches; the raw upstream is that proxy. */
  isBehindProxy?: boolean
  /** Bytes of the body that the client sends. */
  sentBytes?: number
  /** Brings the request to its stage; answers the upstream connection that must be closed, if there is one. */
  reach(scene: Scene): Promise<RawConnection | null>
}

const stages: Record<string, Stage> = {
  'before the upstream is connected': {
    isBehindProxy: true,
    reach: ({ upstream }) => upstream.expectConnection(),
  },
  'during the upload': {
    sentBytes: 10,
    settings: { replay_buffer_bytes: 0 },
    async reach({ upstream }) {
      const connection = await upstream.expectConnection()
      await connection.readUntil('\r\n\r\n')
      return connection
    },
  },
  'while it waits for the head': {
    reach: async ({ upstream }) => (await upstream.expectRequest()).connection,
  },
  'between the head and the first byte': {
    async reach({ upstream, client }) {
      const { answer, connection } = await upstream.expectRequest()
      await answer('HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n')
      await client.readUntil('\r\n\r\n')
      return connection
    },
  },
  'while the first event is held back': {
    settings: { preamble_hold_ms: 60_000 },
    async reach({ upstream, plane }) {
      const { answer, connection } = await upstream.expectRequest()
      await answer(`${streamHead}8\r\n: wait\n\n\r\n`)
      await until(() => plane.services.wheel.armedCount > 0, { what: 'the hold' })
      return connection
    },
  },
  'in the middle of a stream': {
    async reach({ upstream, client }) {
      const { answer, connection } = await upstream.expectRequest()
      await answer(`${streamHead}16\r\ndata: {"choices":[1]}\n\r\n`)
      await answer('1\r\n\n\r\n')
      await client.readUntil('[1]}')
      return connection
    },
  },
  'during the back-off before a retry': {
    async reach({ upstream, plane }) {
      const { answer } = await upstream.expectRequest()
      await answer('HTTP/1.1 500 Oops\r\nContent-Length: 2\r\n\r\nno')
      await until(() => plane.services.counters.get('retries') === 1, { what: 'the back-off', intervalMs: 1 })
      return null
    },
  },
}

suite('a client that leaves', () => {
  for (const [name, stage] of Object.entries(stages))
    for (const [channel, path] of Object.entries(paths) as [ChannelType, string][])
      test(`${name} (${channel})`, async () => {
        await using upstream = await startRawUpstream(
          stage.isBehindProxy || stage.sentBytes ? () => undefined : undefined,
        )
        const settings = { ...stage.settings, ...(stage.isBehindProxy && { proxy_url: upstream.url }) }
        const upstreams = [stage.isBehindProxy ? 'https://upstream.invalid' : upstream.url]
        await using plane = await openDataPlane({ groups: [{ name: 'g', channel, upstreams, keys, settings }] })
        using client = await connectRawClient({ port: plane.port })
        const head = [`POST /proxy/g${path} HTTP/1.1`, 'Host: h', bearer, 'Content-Type: application/json']
        const sent = stage.sentBytes === undefined ? body : body.slice(0, stage.sentBytes)
        // What is only begun is announced as more than the edge waits for.
        const length = stage.sentBytes === undefined ? body.length : 1_000_000
        await client.write(
          [...head, `Content-Length: ${length}`, '', sent.padEnd(stage.sentBytes ? 70_000 : 0)].join('\r\n'),
        )
        const connection = await stage.reach({ upstream, client, plane })
        client.reset()
        if (connection !== null) await untilSeen(connection)
        const record = await plane.nextEvent()
        assert.deepEqual([record.status, record.errorClass, record.endReason], [499, 'client_abort', 'client_abort'])
        assertNothingHeld(plane)
      })

  test('behind the last byte has got everything: the record says so', async () => {
    await using upstream = await startRawUpstream()
    await using plane = await openDataPlane({ groups: [{ name: 'g', upstreams: [upstream.url], keys }] })
    using client = await connectRawClient({ port: plane.port })
    await client.write(`GET /proxy/g/v1/models HTTP/1.1\r\nHost: h\r\n${bearer}\r\n\r\n`)
    await (await upstream.expectRequest()).answer('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
    await client.readResponse()
    client.reset()
    const record = await plane.nextEvent()
    assert.deepEqual([record.status, record.endReason], [200, 'complete'])
  })

  test('again and again leaves nothing behind', async () => {
    const rounds = process.env['GPTLOAD_TEST_LONG'] === '1' ? 10_000 : 300
    await using upstream = await startRawUpstream()
    await using plane = await openDataPlane({ groups: [{ name: 'g', upstreams: [upstream.url], keys }] })
    const heaps: number[] = []
    for (let round = 0; round < rounds; round += 1) {
      using client = await connectRawClient({ port: plane.port })
      await client.write(`GET /proxy/g/v1/models HTTP/1.1\r\nHost: h\r\n${bearer}\r\n\r\n`)
      const { connection } = await upstream.expectRequest()
      client.reset()
      await untilSeen(connection)
      if (round % (rounds / 3) === 0) heaps.push(usedHeap())
      plane.events.length = 0
    }
    await until(() => plane.services.counters.get('in_flight') === 0, { what: 'the last request to end' })
    assert.equal(plane.services.wheel.armedCount, 0)
    assert.equal(plane.services.replay.heldBytes, 0)
    if (rounds === 10_000) assert.ok(usedHeap() < heaps[1]! * 1.2 + 8e6, `heap ${heaps.join(', ')}, now ${usedHeap()}`)
  })
})

function assertNothingHeld(plane: DataPlane): void {
  const { counters, replay, wheel } = plane.services
  assert.deepEqual([counters.get('in_flight'), replay.heldBytes, wheel.armedCount], [0, 0, 0])
  assert.equal(plane.outcomes.length, 0, 'no key is charged')
  assert.equal(plane.stateOf(1), 'active')
}

/** The upstream has seen the end of its connection, clean or not. */
async function untilSeen(connection: RawConnection): Promise<void> {
  await until(() => connection.isEnded, { what: 'the upstream to see the close', timeoutMs: soonMs, intervalMs: 1 })
}

function usedHeap(): number {
  globalThis.gc?.()
  return process.memoryUsage().heapUsed
}
