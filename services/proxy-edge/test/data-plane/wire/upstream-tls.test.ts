import assert from 'node:assert/strict'
import { after, suite, test } from 'node:test'
import { createCertificateAuthority } from '@gpt-load/testkit/servers/certificate-authority'
import { startFakeProvider } from '@gpt-load/testkit/upstreams/fake-provider'
import { startRawUpstream } from '@gpt-load/testkit/upstreams/raw-upstream'
import { UndiciUpstream } from '../../../src/data-plane/wire/undici-upstream.ts'
import { chat } from '../../support/chat-request.ts'
import { send } from '../../support/http-message.ts'
import { openDataPlane } from '../../support/open-data-plane.ts'
import { bareRequest, originOf, RecordingUpstreamReceiver } from '../../support/recording-receivers.ts'
import { startTlsUpstreamThread } from '../../support/tls-upstream-thread.ts'

const authority = await createCertificateAuthority()
const certificate = await authority.issue()
const callers = 16
const requestsEach = 25

suite('TLS to upstreams', () => {
  after(() => authority[Symbol.dispose]())

  test('an authority of our own is trusted beside those of the system', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai', tls: certificate })
    const groups = [{ name: 'g', upstreams: [provider.url], keys: ['sk-a'] }]
    await using plane = await openDataPlane({ groups, extraCaPem: authority.caPem })
    for (let turn = 0; turn < 3; turn += 1) assert.equal((await send(plane.port, chat('g'))).status, 200)
    assert.equal(provider.acceptedConnections, 1)
  })

  test('connections are kept however quick the answers are', async () => {
    const upstream = await startTlsUpstreamThread({ tls: certificate })
    const groups = [{ name: 'g', upstreams: [`https://127.0.0.1:${upstream.port}`], keys: ['sk-a'] }]
    await using plane = await openDataPlane({ groups, extraCaPem: authority.caPem })
    const caller = async (): Promise<void> => {
      for (let turn = 0; turn < requestsEach; turn += 1) assert.equal((await send(plane.port, chat('g'))).status, 200)
    }
    await Promise.all(Array.from({ length: callers }, caller))
    const connections = await upstream.stop()
    assert.ok(connections <= callers, `${connections} connections`)
  })

  test('a certificate of an unknown authority is `tls`, and nothing was sent', async () => {
    await using upstream = await startRawUpstream(() => undefined, { tls: certificate })
    const wire = new UndiciUpstream({ extraCaPem: '' })
    const receiver = new RecordingUpstreamReceiver()
    wire.open({ ...bareRequest, origin: originOf(upstream.port, { protocol: 'https:' }) }, receiver)
    await receiver.over()
    assert.deepEqual([receiver.error?.kind, receiver.error?.isUnsent], ['tls', true])
    assert.match(receiver.error!.code, /SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET/)
    await wire.close()
  })

  test('a certificate for another name is `tls`, whatever Host says', async () => {
    const other = await authority.issue({ names: ['DNS:other.test'] })
    await using upstream = await startRawUpstream(() => undefined, { tls: other })
    const wire = new UndiciUpstream({ extraCaPem: authority.caPem })
    const receiver = new RecordingUpstreamReceiver()
    const origin = originOf(upstream.port, { protocol: 'https:' })
    wire.open({ ...bareRequest, rawHeaders: ['Host', 'other.test'], origin }, receiver)
    await receiver.over()
    assert.deepEqual(receiver.error, { kind: 'tls', code: 'ERR_TLS_CERT_ALTNAME_INVALID', isUnsent: true })
    await wire.close()
  })

  test('an upstream that speaks no TLS is `tls`', async () => {
    await using upstream = await startRawUpstream((socket) => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
    const wire = new UndiciUpstream({ extraCaPem: '' })
    const receiver = new RecordingUpstreamReceiver()
    wire.open({ ...bareRequest, origin: originOf(upstream.port, { protocol: 'https:' }) }, receiver)
    await receiver.over()
    assert.equal(receiver.error?.kind, 'tls')
    await wire.close()
  })

  test('a handshake that hangs is 504 of stage connect, and the connection is given up', async () => {
    await using upstream = await startRawUpstream(() => undefined)
    const settings = { connect_timeout: 1, max_retries: 0 }
    const groups = [{ name: 'g', upstreams: [`https://127.0.0.1:${upstream.port}`], keys: ['sk-a'], settings }]
    await using plane = await openDataPlane({ groups })
    const answer = await send(plane.port, chat('g'))
    assert.deepEqual([answer.status, answer.json<{ code: string }>().code], [504, 'UPSTREAM_TIMEOUT'])
    assert.match(answer.json<{ message: string }>().message, /\(connect\)$/)
    await upstream.connections[0]!.readUntilClose()
    const event = await plane.nextEvent()
    assert.deepEqual(
      [event.errorClass, event.errorCode, event.attempts[0]!.connectMs],
      ['network', 'timeout_connect', -1],
    )
  })
})
