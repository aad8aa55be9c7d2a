import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { startFakeProvider } from '@gpt-load/testkit/upstreams/fake-provider'
import { connectRawClient } from '@gpt-load/testkit/upstreams/raw-client'
import { startRawUpstream } from '@gpt-load/testkit/upstreams/raw-upstream'
import { until } from '@gpt-load/testkit/until'
import { bearer, chat } from '../support/chat-request.ts'
import { requestBytes } from '../support/http-message.ts'
import { openDataPlane, type DataPlane } from '../support/open-data-plane.ts'

const keys = ['sk-first-key-000000001', 'sk-second-key-00000002']

async function assertNothingHeld(plane: DataPlane): Promise<void> {
  const { counters, gate: _gate, replay, wheel } = plane.services
  assert.equal(counters.get('in_flight'), 0)
  assert.equal(counters.get('client_aborts'), 1)
  assert.equal(replay.heldBytes, 0)
  assert.equal(wheel.armedCount, 0)
  assert.equal(plane.outcomes.length, 0, 'no key is charged')
}

suite('client abort', () => {
  for (const [stage, fault, stream] of [
    ['before the head', { kind: 'hang' }, false],
    ['in a stream', { kind: 'hang', afterChunks: 2 }, true],
  ] as const)
    test(`${stage} closes the upstream connection, charges no key and is logged as 499`, async () => {
      await using provider = await startFakeProvider({ dialect: 'openai' })
      await using plane = await openDataPlane({ groups: [{ name: 'g', upstreams: [provider.url], keys }] })
      provider.everyKey.fault(fault)
      using client = await connectRawClient({ port: plane.port })
      await client.write(requestBytes(chat('g', { stream })))
      await provider.nextRequest()
      if (stream) await client.readUntil('data: ')
      const left = performance.now()
      client.reset()
      const { abortedAt } = await provider.waitForAbort()
      assert.ok(abortedAt! - left < 1_000, `the upstream saw it after ${abortedAt! - left} ms`)
      const event = await plane.nextEvent()
      assert.deepEqual([event.status, event.errorClass, event.endReason], [499, 'client_abort', 'client_abort'])
      assert.deepEqual(
        event.attempts.map(({ errorClass }) => errorClass),
        ['client_abort'],
      )
      await assertNothingHeld(plane)
    })

  test('in the request body closes the upstream connection', async () => {
    await using upstream = await startRawUpstream(() => undefined)
    await using plane = await openDataPlane({ groups: [{ name: 'g', upstreams: [upstream.url], keys }] })
    using client = await connectRawClient({ port: plane.port })
    const head = ['POST /proxy/g/v1/files HTTP/1.1', 'Host: h', bearer, 'Content-Length: 900000', '', '']
    await client.write(head.join('\r\n') + 'x'.repeat(200_000))
    const connection = await upstream.expectConnection()
    await until(() => connection.receivedBytes > 150_000, { what: 'the first part' })
    client.reset()
    await until(() => connection.isEnded, { what: 'the end upstream' })
    const event = await plane.nextEvent()
    assert.deepEqual([event.status, event.endReason, event.bytesIn >= 150_000], [499, 'client_abort', true])
    await assertNothingHeld(plane)
  })

  test('in the request body, before any attempt, leaves a record', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    await using plane = await openDataPlane({ groups: [{ name: 'g', upstreams: [provider.url], keys }] })
    using client = await connectRawClient({ port: plane.port })
    const head = ['POST /proxy/g/v1/chat/completions HTTP/1.1', 'Host: h', bearer, 'Content-Length: 90', '', '{"mod']
    await client.write(head.join('\r\n'))
    await until(() => plane.services.counters.get('requests'), { what: 'the request' })
    client.reset()
    const event = await plane.nextEvent()
    assert.deepEqual([event.status, event.attempts.length], [499, 0])
    await assertNothingHeld(plane)
  })

  test('during back-off begins no further attempt', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    await using plane = await openDataPlane({ groups: [{ name: 'g', upstreams: [provider.url], keys: [keys[0]!] }] })
    provider.everyKey.fail('server-error')
    using client = await connectRawClient({ port: plane.port })
    await client.write(requestBytes(chat('g')))
    await until(() => plane.services.counters.get('retries') > 0, { what: 'the back-off', intervalMs: 1 })
    client.reset()
    const event = await plane.nextEvent()
    assert.equal(event.attempts.length, plane.services.counters.get('attempts'))
    assert.equal(event.status, 499)
    assert.equal(plane.services.wheel.armedCount, 0)
    assert.equal(provider.requests.length, event.attempts.length)
  })
})

suite('upstream abort', () => {
  for (const kind of ['reset', 'truncate'] as const)
    test(`in a stream (${kind}) breaks the client's connection, and charges no key`, async () => {
      await using provider = await startFakeProvider({ dialect: 'openai' })
      await using plane = await openDataPlane({ groups: [{ name: 'g', upstreams: [provider.url], keys }] })
      provider.everyKey.fault({ kind, afterChunks: 3 })
      using client = await connectRawClient({ port: plane.port })
      await client.write(requestBytes(chat('g', { stream: true })))
      const text = (await client.readUntilClose()).toString()
      assert.match(text, /^HTTP\/1\.1 200 /)
      assert.equal(text.match(/data: /g)?.length, 3, 'what came is delivered')
      assert.doesNotMatch(text, /\r\n0\r\n\r\n$/)
      const event = await plane.nextEvent()
      assert.deepEqual([event.status, event.errorClass, event.endReason], [200, 'network', 'upstream_abort'])
      assert.equal(plane.outcomes.length, 0)
      assert.equal(plane.services.counters.get('upstream_aborts'), 1)
    })

  test('in a body with a length leaves it short', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    await using plane = await openDataPlane({ groups: [{ name: 'g', upstreams: [provider.url], keys }] })
    provider.everyKey.fault({ kind: 'wrong-content-length', extraBytes: 10 })
    using client = await connectRawClient({ port: plane.port })
    await client.write(requestBytes(chat('g')))
    await client.readUntilClose()
    const event = await plane.nextEvent()
    assert.equal(event.endReason, 'upstream_abort')
  })
})
