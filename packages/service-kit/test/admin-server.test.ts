import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { startAdminServer } from '../src/admin-server.ts'
import { createHealth, type HealthCheck } from '../src/health.ts'
import { createManualClock } from '../src/manual-clock.ts'
import { createMetrics } from '../src/metrics.ts'
import { createSecretScrubber } from '../src/secret-scrubber.ts'
import { createRecordingLogger } from './fixtures/recording-logger.ts'

async function setUp(options: { metricsToken?: string; checks?: readonly HealthCheck[] } = {}) {
  const clock = createManualClock({ nowMs: Date.UTC(2026, 5, 1) })
  const scrubber = createSecretScrubber({ known: ['canary-value'] })
  const health = createHealth({ clock, scrub: (text) => scrubber.scrub(text) })
  for (const check of options.checks ?? []) health.register(check)
  const metrics = createMetrics({ hasProcessMetrics: false })
  const logger = createRecordingLogger()
  const { metricsToken } = options
  const server = await startAdminServer({
    host: '127.0.0.1',
    port: 0,
    health,
    metrics,
    logger,
    ...(metricsToken ? { metricsToken } : {}),
  })
  const get = (path: string, init?: RequestInit) => fetch(`http://127.0.0.1:${server.port}${path}`, init)
  return { clock, health, metrics, server, get, [Symbol.asyncDispose]: () => server.close() }
}

const passing = { name: 'snapshot', required: true, check: () => ({ ok: true, detail: 'revision 7' }) }

test('/readyz is 200 while every required check passes, whatever the informative ones say', async () => {
  await using admin = await setUp({
    checks: [passing, { name: 'redis', required: false, check: () => ({ ok: false, detail: 'refused' }) }],
  })
  const response = await admin.get('/readyz')
  assert.equal(response.status, 200)
  assert.equal(response.headers.get('cache-control'), 'no-store')
  assert.deepEqual(await response.json(), {
    ready: true,
    draining: false,
    checks: [
      { name: 'snapshot', ok: true, required: true, detail: 'revision 7' },
      { name: 'redis', ok: false, required: false, detail: 'refused' },
    ],
  })
})

test('/readyz is 503 when a required check fails or throws, its detail scrubbed', async () => {
  const check = () => Promise.reject(new Error('login with canary-value failed'))
  await using admin = await setUp({ checks: [passing, { name: 'mysql', required: true, check }] })
  const response = await admin.get('/readyz')
  assert.equal(response.status, 503)
  const body = await response.text()
  assert.match(body, /login with \[secret\] failed/)
})

test('a check that hangs is a failed check within its time', async () => {
  const { clock, health } = await setUp().then(async (admin) => (await admin.server.close(), admin))
  health.register({ name: 'hangs', required: true, check: () => new Promise(() => undefined) })
  const readiness = health.readiness()
  await clock.advance(800)
  assert.deepEqual((await readiness).checks, [
    { name: 'hangs', ok: false, required: true, detail: 'no answer within 800 ms' },
  ])
})

test('draining makes it not ready at once and stays alive', async () => {
  await using admin = await setUp({ checks: [passing] })
  admin.health.startDraining()
  assert.equal((await admin.get('/readyz')).status, 503)
  assert.equal((await admin.get('/livez')).status, 200)
})

test("/health has GPT-Load's body", async () => {
  await using admin = await setUp()
  await admin.clock.advance(3_723_000)
  const body = await (await admin.get('/health')).json()
  assert.deepEqual(body, { status: 'healthy', timestamp: '2026-06-01T01:02:03.000Z', uptime: '1h2m3s' })
})

test('/metrics asks for its token when it has one, the probes do not', async () => {
  await using admin = await setUp({ metricsToken: 'a-token-of-enough-length' })
  admin.metrics.counter({ name: 'gptload_x_total', help: 'x' }).add(1)
  for (const authorization of [undefined, 'Bearer wrong', 'Bearer ', 'Basic a-token-of-enough-length']) {
    const response = await admin.get('/metrics', authorization === undefined ? {} : { headers: { authorization } })
    assert.equal(response.status, 401)
    assert.doesNotMatch(await response.text(), /gptload_x_total/)
  }
  const response = await admin.get('/metrics', { headers: { authorization: 'Bearer a-token-of-enough-length' } })
  assert.match(await response.text(), /gptload_x_total 1/)
  assert.equal((await admin.get('/livez')).status, 200)
})

test('other paths are 404, other methods 405, HEAD has no body', async () => {
  await using admin = await setUp()
  assert.equal((await admin.get('/')).status, 404)
  assert.equal((await admin.get('/livez?probe=1')).status, 200)
  const post = await admin.get('/livez', { method: 'POST', body: 'x'.repeat(100_000) })
  assert.deepEqual([post.status, post.headers.get('allow')], [405, 'GET, HEAD'])
  assert.equal(await (await admin.get('/livez', { method: 'HEAD' })).text(), '')
})

test('headers past 8 KiB are refused', async () => {
  await using admin = await setUp()
  const socket = connect(admin.server.port, '127.0.0.1')
  socket.write(`GET /livez HTTP/1.1\r\nhost: a\r\nx: ${'y'.repeat(9_000)}\r\n\r\n`)
  const [answer] = await once(socket, 'data')
  assert.match(String(answer), /^HTTP\/1\.1 431/)
  socket.destroy()
})

test('closing ends idle connections and frees the port; a port in use is the error of the system', async () => {
  const admin = await setUp()
  const idle = connect(admin.server.port, '127.0.0.1')
  await once(idle, 'connect')
  const { health, metrics } = admin
  const again = { host: '127.0.0.1', port: admin.server.port, health, metrics, logger: createRecordingLogger() }
  await assert.rejects(startAdminServer(again), { code: 'EADDRINUSE' })
  const ended = once(idle, 'close')
  idle.resume()
  await admin.server.close()
  await ended
  await (await startAdminServer(again)).close()
})

test('a check may be registered once', async () => {
  await using admin = await setUp({ checks: [passing] })
  assert.throws(() => admin.health.register(passing), /twice/)
})
