import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { startFakeProvider } from '@gpt-load/testkit/upstreams/fake-provider'
import { bearer } from '../support/chat-request.ts'
import { send } from '../support/http-message.ts'
import { openDataPlane } from '../support/open-data-plane.ts'
import { CorsPolicy } from '../../src/data-plane/route/cors-policy.ts'

const origin = 'https://app.test'
const options = {
  allowedOrigins: [origin],
  allowedMethods: ['GET', 'POST'],
  allowedHeaders: ['*'],
  allowCredentials: true,
}

async function answered(headers: readonly string[], cors = options) {
  await using provider = await startFakeProvider({ dialect: 'openai' })
  await using plane = await openDataPlane({ groups: [{ name: 'g', upstreams: [provider.url], keys: ['sk-a'] }], cors })
  provider.everyKey.respond({
    status: 200,
    body: '{}',
    headers: { 'Access-Control-Allow-Origin': 'https://evil.test' },
  })
  return await send(plane.port, { method: 'GET', target: '/proxy/g/v1/x', headers })
}

suite('CORS', () => {
  test("an allowed origin is named on the provider's answers, in place of what they said", async () => {
    const answer = await answered([bearer, `Origin: ${origin}`])
    assert.deepEqual(answer.all('access-control-allow-origin'), [origin])
    assert.deepEqual([answer.header('access-control-allow-credentials'), answer.header('vary')], ['true', 'Origin'])
  })

  test('it is named on errors of ours too', async () => {
    const answer = await answered([`Origin: ${origin}`])
    assert.deepEqual([answer.status, answer.header('access-control-allow-origin')], [401, origin])
  })

  test('another origin is not named', async () => {
    const answer = await answered([bearer, 'Origin: https://other.test'])
    assert.deepEqual([answer.all('access-control-allow-origin'), answer.header('vary')], [[], 'Origin'])
  })

  test('`*` names any origin, and never credentials', async () => {
    const answer = await answered([bearer, `Origin: ${origin}`], { ...options, allowedOrigins: ['*'] })
    assert.equal(answer.header('access-control-allow-origin'), '*')
    assert.equal(answer.header('access-control-allow-credentials'), undefined)
  })

  test('a caller that is no browser page gets the answer as it came', async () => {
    const answer = await answered([bearer])
    assert.equal(answer.header('access-control-allow-origin'), 'https://evil.test')
  })

  test('only a real preflight is one', () => {
    const policy = new CorsPolicy(options)
    const asks = ['Origin', origin, 'Access-Control-Request-Method', 'POST']
    assert.equal(policy.isPreflight('OPTIONS', asks), true)
    assert.equal(policy.isPreflight('POST', asks), false)
    assert.equal(policy.isPreflight('OPTIONS', asks.slice(0, 2)), false)
    assert.equal(policy.isPreflight('OPTIONS', asks.slice(2)), false)
  })

  test('a preflight is told methods, headers and for how long', () => {
    const policy = new CorsPolicy(options)
    const headers = policy.preflightHeaders(['Origin', origin, 'Access-Control-Request-Headers', 'x-a, x-b'])
    assert.deepEqual(headers, [
      'Vary',
      'Origin',
      'Access-Control-Allow-Origin',
      origin,
      'Access-Control-Allow-Credentials',
      'true',
      'Access-Control-Allow-Methods',
      'GET, POST',
      'Access-Control-Allow-Headers',
      'x-a, x-b',
      'Access-Control-Max-Age',
      '86400',
    ])
    assert.deepEqual(policy.preflightHeaders(['Origin', 'https://other.test']), ['Vary', 'Origin'])
  })
})
