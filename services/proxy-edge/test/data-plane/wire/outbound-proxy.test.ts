import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { freePort } from '@gpt-load/testkit/servers/free-port'
import { createCertificateAuthority } from '@gpt-load/testkit/servers/certificate-authority'
import { startRawUpstream } from '@gpt-load/testkit/upstreams/raw-upstream'
import { UndiciUpstream } from '../../../src/data-plane/wire/undici-upstream.ts'
import type { UpstreamOrigin } from '../../../src/data-plane/wire/upstream-exchange.ts'
import { parseMessage } from '../../support/http-message.ts'
import { startHttpProxy, startSocks5Proxy } from '../../support/fake-outbound-proxy.ts'
import { originOf, RecordingUpstreamReceiver } from '../../support/recording-receivers.ts'

const bare = {
  method: 'GET',
  target: '/v1/x?a=1',
  rawHeaders: ['Host', 'api.test'],
  body: null,
  contentLength: 0,
  isUpgrade: false,
  mayResend: true,
}
const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

function open(origin: UpstreamOrigin, extraCaPem = '') {
  const wire = new UndiciUpstream({ extraCaPem })
  const receiver = new RecordingUpstreamReceiver()
  wire.open({ ...bare, origin }, receiver)
  return { wire, receiver }
}

suite('outbound proxies', () => {
  test('plain HTTP goes through an HTTP proxy in absolute form, with its credentials', async () => {
    await using proxy = await startHttpProxy({ plainAnswer: ok })
    const proxyUrl = `http://user:p%40ss@127.0.0.1:${proxy.port}`
    const { wire, receiver } = open(originOf(8_080, { hostname: 'api.test', proxyUrl }))
    await receiver.over()
    assert.equal(receiver.body, 'ok')
    const request = parseMessage(Buffer.from(proxy.asked[0]!, 'latin1'))
    assert.equal(request.startLine, 'GET http://api.test:8080/v1/x?a=1 HTTP/1.1')
    assert.deepEqual(request.all('host'), ['api.test'])
    assert.equal(request.header('proxy-authorization'), `Basic ${Buffer.from('user:p@ss').toString('base64')}`)
    await wire.close()
  })

  test('TLS goes through an HTTP proxy in a tunnel, checked against the name of the upstream', async () => {
    using authority = await createCertificateAuthority()
    await using upstream = await startRawUpstream(undefined, {
      tls: await authority.issue({ names: ['DNS:api.test'] }),
    })
    await using proxy = await startHttpProxy()
    const proxyUrl = `http://user:pass@127.0.0.1:${proxy.port}`
    const origin = originOf(upstream.port, { protocol: 'https:', hostname: 'api.test', proxyUrl })
    const { wire, receiver } = open(origin, authority.caPem)
    const { bytes, answer } = await upstream.expectRequest()
    await answer(ok)
    await receiver.over()
    const request = parseMessage(bytes)
    assert.equal(request.startLine, 'GET /v1/x?a=1 HTTP/1.1')
    assert.equal(request.header('proxy-authorization'), undefined)
    assert.match(proxy.asked[0]!, new RegExp(`^CONNECT api\\.test:${upstream.port} HTTP/1\\.1\r\n`))
    assert.match(proxy.asked[0]!, /\r\nProxy-Authorization: Basic dXNlcjpwYXNz\r\n/)
    assert.equal(receiver.body, 'ok')
    await wire.close()
  })

  for (const needsCredentials of [false, true])
    test(`SOCKS5 ${needsCredentials ? 'with' : 'without'} credentials leads to the upstream; the proxy resolves names`, async () => {
      await using upstream = await startRawUpstream()
      await using proxy = await startSocks5Proxy({ needsCredentials })
      const proxyUrl = `socks5://${needsCredentials ? 'user:p%40ss@' : ''}127.0.0.1:${proxy.port}`
      const { wire, receiver } = open(originOf(upstream.port, { hostname: 'api.test', proxyUrl }))
      const { bytes, answer } = await upstream.expectRequest()
      await answer(ok)
      await receiver.over()
      assert.equal(receiver.body, 'ok')
      assert.equal(parseMessage(bytes).startLine, 'GET /v1/x?a=1 HTTP/1.1')
      assert.deepEqual(proxy.asked, [`api.test:${upstream.port}`])
      assert.deepEqual(proxy.credentials, needsCredentials ? ['user:p@ss'] : [])
      await wire.close()
    })

  for (const [name, start, scheme, code] of [
    [
      'an HTTP proxy that refuses',
      () => startHttpProxy({ connectAnswer: 'HTTP/1.1 407 No\r\n\r\n' }),
      'http',
      'PROXY_407',
    ],
    [
      'an HTTP proxy that speaks no HTTP',
      () => startHttpProxy({ connectAnswer: 'hello\r\n\r\n' }),
      'http',
      'PROXY_PROTOCOL',
    ],
    ['a SOCKS proxy that refuses', () => startSocks5Proxy({ reply: 5 }), 'socks5', 'SOCKS_5'],
    [
      'a SOCKS proxy that wants credentials',
      () => startSocks5Proxy({ needsCredentials: true }),
      'socks5',
      'SOCKS_CREDENTIALS_NEEDED',
    ],
  ] as const)
    test(`${name} is an error of the proxy, and nothing was sent`, async () => {
      await using proxy = await start()
      const proxyUrl = `${scheme}://127.0.0.1:${proxy.port}`
      const { wire, receiver } = open(originOf(443, { protocol: 'https:', hostname: 'api.test', proxyUrl }))
      await receiver.over()
      assert.deepEqual([receiver.error?.kind, receiver.error?.isUnsent], ['proxy', true])
      assert.equal(receiver.error?.code, code)
      await wire.close()
    })

  test('a proxy that cannot be reached is told apart from the upstream', async () => {
    const proxyUrl = `http://127.0.0.1:${await freePort()}`
    const { wire, receiver } = open(originOf(80, { hostname: 'api.test', proxyUrl }))
    await receiver.over()
    assert.deepEqual(receiver.error, { kind: 'proxy', code: 'ECONNREFUSED', isUnsent: true })
    await wire.close()
  })

  test('metadata addresses are refused through a proxy too', async () => {
    await using proxy = await startHttpProxy()
    const proxyUrl = `http://127.0.0.1:${proxy.port}`
    const { wire, receiver } = open(originOf(80, { hostname: '169.254.169.254', proxyUrl }))
    await receiver.over()
    assert.equal(receiver.error?.kind, 'address_refused')
    assert.deepEqual(proxy.asked, [])
    await wire.close()
  })
})
