import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { createUndiciProbeSender } from '../src/probe/undici-probe-sender.ts'

test('probes connect where edges would: not to private addresses while these are off, by name or by number', async (t) => {
  let calls = 0
  const server = createServer((_request, response) => {
    calls += 1
    response.end('{}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  const probe = (url: string, allowPrivateAddresses: boolean, httpProxy = '') =>
    createUndiciProbeSender({
      environment: { httpProxy, httpsProxy: '', noProxy: '' },
      allowPrivateAddresses,
      extraCaPem: '',
    }).send({
      method: 'GET',
      url,
      headers: [],
      body: '',
      timeoutMs: 5_000,
      connectTimeoutMs: 2_000,
      proxyUrl: '',
    })

  for (const host of ['127.0.0.1', 'localhost', '[::ffff:127.0.0.1]']) {
    const reply = await probe(`http://${host}:${port}/v1/models`, false)
    assert.match(reply.isAnswered ? 'answered' : reply.reason, /ALLOW_PRIVATE_UPSTREAMS/, host)
  }
  assert.equal(calls, 0)
  assert.equal((await probe(`http://localhost:${port}/v1/models`, true)).isAnswered, true)
  const link = await probe('http://169.254.169.254/latest', true)
  assert.match(link.isAnswered ? 'answered' : link.reason, /link-local/)
  // The outbound proxy itself may be anywhere.
  assert.equal((await probe('http://api.test/v1/models', false, `http://localhost:${port}`)).isAnswered, true)
  assert.equal(calls, 2)
})
