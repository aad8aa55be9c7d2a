import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { suite, test } from 'node:test'
import type { Settings } from '@gpt-load/contracts/settings'
import { until } from '@gpt-load/testkit/until'
import { UpstreamChecks } from '../../src/data-plane/upstream-health/upstream-checks.ts'
import { chat } from '../support/chat-request.ts'
import { send } from '../support/http-message.ts'
import { openDataPlane } from '../support/open-data-plane.ts'

const keys = ['sk-key-number-one-0001']
const path = '/health/live?deep=1'
const settings: Partial<Settings> = {
  upstream_check_path: path,
  upstream_check_interval_ms: 200,
  upstream_failure_threshold: 2,
  upstream_open_ms: 300_000,
}
/** Upstreams are watched at their id, which begin at 8 in these planes. */
const firstSlot = 8

type Answer = number | 'none'

/** Answers requests and checks as told; keeps what was asked. */
async function startUpstream() {
  const asked: IncomingMessage[] = []
  const answers = { check: 200 as Answer, request: 200 as Answer }
  const server = createServer((request, response) => {
    asked.push(request)
    const answer = request.method === 'GET' ? answers.check : answers.request
    request.resume()
    if (answer !== 'none') response.writeHead(answer, { 'content-type': 'application/json' }).end('{}')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    answers,
    checks: () => asked.filter(({ method }) => method === 'GET'),
    requests: () => asked.filter(({ method }) => method !== 'GET').length,
    host: `127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      if (server.listening) await once(server, 'close')
    },
  }
}

async function openChecked(urls: readonly string[], more: Partial<Settings> = {}) {
  const plane = await openDataPlane({
    groups: [{ name: 'g', upstreams: urls, keys, settings: { ...settings, ...more } }],
  })
  const { policies, wire, wheel, upstreamHealth: health, counters } = plane.services
  const checks = new UpstreamChecks({ plans: () => policies.plans(), wire, wheel, health, counters })
  return {
    health,
    counters,
    plane,
    ask: async () => (await send(plane.port, chat('g'))).status,
    async [Symbol.asyncDispose]() {
      checks.close()
      await plane[Symbol.asyncDispose]()
    },
  }
}

suite('checks of upstreams', () => {
  test('one that fails them is avoided before a request has met it', async () => {
    await using bad = await startUpstream()
    await using good = await startUpstream()
    await using checked = await openChecked([`http://${bad.host}`, `http://${good.host}`])
    bad.answers.check = 503
    await until(() => checked.health.stateOf(firstSlot).state === 'open', { what: 'the circuit to open' })
    for (let turn = 0; turn < 6; turn += 1) assert.equal(await checked.ask(), 200)
    assert.deepEqual([bad.requests(), good.requests()], [0, 6])
    assert.equal(checked.health.stateOf(firstSlot + 1).state, 'closed')
    assert.ok(checked.counters.get('upstream_checks_failed') >= 2)
    assert.ok(checked.counters.get('upstream_checks') > checked.counters.get('upstream_checks_failed'))
  })

  test('a good one lets the next request try an avoided upstream, and closes nothing itself', async () => {
    await using one = await startUpstream()
    await using other = await startUpstream()
    await using checked = await openChecked([`http://${one.host}`, `http://${other.host}`])
    one.answers.request = 500
    one.answers.check = 'none'
    await until(async () => (await checked.ask()) === 200 && checked.health.stateOf(firstSlot).state === 'open', {
      what: 'requests to open the circuit',
    })
    assert.ok(checked.health.stateOf(firstSlot).retryInMs > 200_000)
    one.answers.check = 404
    await until(() => checked.health.stateOf(firstSlot).state === 'half_open', { what: 'its trial to be due' })
    one.answers.request = 200
    const before = one.requests()
    assert.equal(await checked.ask(), 200)
    assert.equal(one.requests(), before + 1)
    assert.equal(checked.health.stateOf(firstSlot).state, 'closed')
  })

  test('they carry no credential and go to the root of the host as the setting says it', async () => {
    await using upstream = await startUpstream()
    await using checked = await openChecked([`http://${upstream.host}/tenant/v1`])
    await until(() => upstream.checks().length >= 2, { what: 'two checks' })
    const { url, headers } = upstream.checks()[0]!
    assert.deepEqual([url, headers.host], [path, upstream.host])
    const names = Object.keys(headers).filter((name) => name !== 'connection')
    assert.deepEqual(names.toSorted(), ['accept', 'host', 'user-agent'])
    assert.equal(checked.plane.events.length, 0)
  })

  test('silence and a refused connection are failures', async () => {
    await using silent = await startUpstream()
    silent.answers.check = 'none'
    const closed = await startUpstream()
    await closed[Symbol.asyncDispose]()
    await using checked = await openChecked([`http://${silent.host}`, `http://${closed.host}`])
    await until(() => checked.health.stateOf(firstSlot + 1).state === 'open', { what: 'the closed one to be avoided' })
    assert.equal(checked.health.stateOf(firstSlot).state, 'closed')
    await until(() => checked.health.stateOf(firstSlot).state === 'open', {
      what: 'the silent one to be avoided',
      timeoutMs: 20_000,
    })
  })

  test('a group without the path is not checked', async () => {
    await using upstream = await startUpstream()
    await using checked = await openChecked([`http://${upstream.host}`], { upstream_check_path: '' })
    assert.equal(await checked.ask(), 200)
    await new Promise((resolve) => setTimeout(resolve, 1_200))
    assert.deepEqual(
      [checked.counters.get('upstream_checks'), upstream.checks().length, upstream.requests()],
      [0, 0, 1],
    )
  })
})
