import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { freePort } from '@gpt-load/testkit/servers/free-port'
import { startRawUpstream } from '@gpt-load/testkit/upstreams/raw-upstream'
import { createUpstream, wireNames, type WireName } from '../../../src/data-plane/wire/create-wires.ts'
import type { UpstreamOrigin } from '../../../src/data-plane/wire/upstream-exchange.ts'
import { bareRequest, originOf, RecordingUpstreamReceiver } from '../../support/recording-receivers.ts'

const bare = { ...bareRequest, method: 'POST' }

async function failed(wireName: WireName, origin: UpstreamOrigin) {
  const wire = await createUpstream(wireName, { extraCaPem: '' })
  const receiver = new RecordingUpstreamReceiver()
  wire.open({ ...bare, origin }, receiver)
  await receiver.over()
  await wire.close()
  assert.deepEqual(receiver.calls, ['error'], 'no connection was reported')
  return receiver.error!
}

/** Answers with these bytes, then breaks the connection as told. */
async function broken(wireName: WireName, answer: string, end: 'end' | 'reset') {
  await using upstream = await startRawUpstream()
  const wire = await createUpstream(wireName, { extraCaPem: '' })
  const receiver = new RecordingUpstreamReceiver()
  wire.open({ ...bare, origin: originOf(upstream.port) }, receiver)
  const { connection } = await upstream.expectRequest()
  if (answer !== '') {
    await connection.write(answer)
    await receiver.headed()
  }
  connection[end]()
  await receiver.over()
  await wire.close()
  return receiver
}

for (const wireName of wireNames)
  suite(`failures over ${wireName}`, () => {
    test('a refused connection is `refused`, and nothing was sent', async () => {
      const error = await failed(wireName, originOf(await freePort()))
      assert.deepEqual(error, { kind: 'refused', code: 'ECONNREFUSED', isUnsent: true })
    })

    test('a name that does not exist is `dns`, and nothing was sent', async () => {
      const error = await failed(wireName, originOf(80, { hostname: 'no-such-host.invalid' }))
      assert.deepEqual([error.kind, error.isUnsent], ['dns', true])
    })

    for (const hostname of ['169.254.169.254', '[fe80::1]', '[::ffff:169.254.169.254]', '100.100.100.200'])
      test(`${hostname} is refused without connecting`, async () => {
        const error = await failed(wireName, originOf(80, { hostname }))
        assert.deepEqual(error, { kind: 'address_refused', code: 'ADDRESS_REFUSED', isUnsent: true })
      })

    test('loopback is refused where private addresses are not allowed, also behind a name', async () => {
      for (const hostname of ['127.0.0.1', 'localhost']) {
        const error = await failed(wireName, originOf(80, { hostname, allowPrivateAddresses: false }))
        assert.equal(error.kind, 'address_refused')
      }
    })

    for (const end of ['end', 'reset'] as const)
      test(`a connection that ends without an answer (${end}) is a reset of a request that was sent`, async () => {
        const { error, calls } = await broken(wireName, '', end)
        assert.deepEqual([error?.kind, error?.isUnsent], ['reset', false])
        assert.deepEqual(calls, ['connect', 'error'])
      })

    for (const [name, head] of [
      ['with a length', 'Content-Length: 10\r\n'],
      ['in chunks', 'Transfer-Encoding: chunked\r\n'],
      ['in chunks, the last one of its connection,', 'Connection: close\r\nTransfer-Encoding: chunked\r\n'],
      ['with a length, the last one of its connection,', 'Connection: close\r\nContent-Length: 10\r\n'],
    ] as const)
      for (const end of ['end', 'reset'] as const)
        test(`a body ${name} that breaks off (${end}) never ends, it fails`, async () => {
          const { error, calls } = await broken(wireName, `HTTP/1.1 200 OK\r\n${head}\r\n5\r\nabc`, end)
          assert.equal(error?.kind, 'reset')
          assert.equal(calls.includes('end'), false)
        })

    test('a body without length that is reset never ends, it fails', async () => {
      const { error, calls } = await broken(wireName, 'HTTP/1.1 200 OK\r\n\r\nabc', 'reset')
      assert.equal(error?.kind, 'reset')
      assert.equal(calls.includes('end'), false)
    })
  })
