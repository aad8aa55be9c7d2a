import assert from 'node:assert/strict'
import { createServer, request, type IncomingMessage } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { describe, test } from 'node:test'
import type { BaseManifest } from '@gpt-load/contracts/snapshot'
import { createDatabase } from '@gpt-load/database/create-database'
import { startMariadb } from '@gpt-load/testkit/servers/mariadb-server'
import { useMariadb, useRedis } from '@gpt-load/testkit/servers/test-servers'
import { until } from '@gpt-load/testkit/until'
import { refusedStart, secrets, startConfigService } from './support/config-service-process.ts'

const admin = { authorization: `Bearer ${secrets.AUTH_KEY}` }
const edge = { authorization: `Bearer ${secrets.EDGE_TOKEN}` }

type ApiBody = { id?: number; token?: string; description?: string; current?: { description: string } }

describe('config-service as a process', () => {
  const mariadb = useMariadb()
  const redis = useRedis()

  test('serves administrators, edges and probes, each on a listener of its own and by its own secret', async () => {
    const { dsn } = await (await mariadb).createDatabase()
    const { dsn: redisDsn, prefix } = await redis
    await using service = await startConfigService({
      DATABASE_DSN: dsn,
      REDIS_DSN: redisDsn,
      REDIS_KEY_PREFIX: prefix,
    })
    const readyAt = performance.now()
    const manifest = await until(
      async () => {
        const answer = await fetch(`${service.internalUrl}/internal/base`, { headers: edge })
        return answer.status === 200 ? ((await answer.json()) as BaseManifest) : undefined
      },
      { what: 'the first base' },
    )
    assert.ok(performance.now() - readyAt < 5_000, 'edges wait for the first base')

    const status = await fetch(`${service.url}/api/v1/status`, { headers: admin })
    assert.equal(status.status, 200)
    assert.equal(((await status.json()) as { epoch: string }).epoch, manifest.epoch)
    const base = await fetch(service.internalUrl + manifest.href, { headers: edge })
    assert.equal((await base.arrayBuffer()).byteLength, manifest.bytes)

    for (const [url, headers] of [
      [`${service.url}/api/v1/status`, edge],
      [`${service.internalUrl}/internal/base`, admin],
    ] as const)
      assert.equal((await fetch(url, { headers })).status, 401, url)
    assert.equal((await fetch(`${service.url}/internal/base`, { headers: edge })).status, 404)

    const readiness = (await (await fetch(`${service.adminUrl}/readyz`)).json()) as { checks: { name: string }[] }
    assert.deepEqual(
      readiness.checks.map(({ name }) => name),
      ['started', 'mysql', 'redis'],
    )
    const exit = await service.stop()
    assert.deepEqual(exit, { code: 0, signal: null })
    for (const secret of Object.values(secrets)) assert.ok(!service.output().includes(secret))
  })

  test('two replicas share sessions; of two who edit at once one gets 412 and sees the change; the audit log names both', async () => {
    const { dsn } = await (await mariadb).createDatabase()
    await using first = await startConfigService({ DATABASE_DSN: dsn })
    await using second = await startConfigService({ DATABASE_DSN: dsn })
    const send = async (url: string, method: string, body: object, headers: Record<string, string>) => {
      const init = { method, body: JSON.stringify(body), headers: { 'content-type': 'application/json', ...headers } }
      const answer = await fetch(url, init)
      return { status: answer.status, headers: answer.headers, body: JSON.parse(await answer.text()) as ApiBody }
    }
    const signedIn = await send(`${first.url}/api/v1/sessions`, 'POST', { key: secrets.AUTH_KEY }, {})
    const cookie = signedIn.headers.get('set-cookie')?.split(';')[0] ?? ''
    assert.equal((await fetch(`${second.url}/api/v1/status`, { headers: { cookie } })).status, 200)

    const scopes = ['read', 'write']
    const { token = '' } = (await send(`${first.url}/api/v1/admin-tokens`, 'POST', { name: 'ci', scopes }, admin)).body
    const group = { name: 'shared', channel: 'openai', upstreams: [{ url: 'https://api.example.com' }] }
    const created = await send(`${first.url}/api/v1/groups`, 'POST', group, admin)
    const path = `/api/v1/groups/${created.body.id}`
    const ifMatch = { 'if-match': created.headers.get('etag') ?? '' }
    const person = { ...ifMatch, cookie, origin: second.url }
    const machine = { ...ifMatch, authorization: `Bearer ${token}` }
    const edits = await Promise.all([
      send(first.url + path, 'PATCH', { description: 'by the machine' }, machine),
      send(second.url + path, 'PATCH', { description: 'by the person' }, person),
    ])
    assert.deepEqual(edits.map(({ status }) => status).toSorted(), [200, 412])
    const won = edits.find(({ status }) => status === 200)
    const lost = edits.find(({ status }) => status === 412)
    assert.equal(lost?.body.current?.description, won?.body.description)
    const again = { 'if-match': lost?.headers.get('etag') ?? '' }
    const loser = lost === edits[0] ? machine : person
    const repeated = await send(
      second.url + path,
      'PATCH',
      { display_name: 'both' },
      { ...loser, origin: second.url, ...again },
    )
    assert.deepEqual([repeated.status, repeated.body.description], [200, won?.body.description])

    const audit = await fetch(`${second.url}/api/v1/audit?entity=group&entity_id=${created.body.id}`, {
      headers: admin,
    })
    const { items } = (await audit.json()) as { items: { actor: string; action: string }[] }
    const actors = items.filter(({ action }) => action === 'group.update').map(({ actor }) => actor)
    assert.deepEqual(actors.toSorted(), ['admin', 'token:ci'])
  })

  test('answers log queries with an empty list before log-ingest has made its tables', async () => {
    const { dsn } = await (await mariadb).createDatabase()
    await using service = await startConfigService({ DATABASE_DSN: dsn })
    const logs = await fetch(`${service.url}/api/v1/logs`, { headers: admin })
    assert.equal(logs.status, 200)
    const { items, next_cursor: next } = (await logs.json()) as { items: unknown[]; next_cursor: string | null }
    assert.deepEqual([items, next], [[], null])
    assert.equal((await fetch(`${service.url}/api/v1/logs/some-request-id`, { headers: admin })).status, 404)
  })

  test('shows revision, base, keys and the feed as metrics', async () => {
    const { dsn } = await (await mariadb).createDatabase()
    const { dsn: redisDsn, prefix } = await redis
    await using service = await startConfigService({
      DATABASE_DSN: dsn,
      REDIS_DSN: redisDsn,
      REDIS_KEY_PREFIX: prefix,
      METRICS_TOKEN: 'a-token-for-the-collector',
    })
    const scrape = () =>
      fetch(`${service.adminUrl}/metrics`, { headers: { authorization: 'Bearer a-token-for-the-collector' } })
    assert.equal((await fetch(`${service.adminUrl}/metrics`)).status, 401)
    const text = await until(
      async () => {
        const body = await (await scrape()).text()
        return /^gptload_config_feed_published_total [1-9]/m.test(body) ? body : undefined
      },
      { what: 'a beat' },
    )
    for (const line of [
      /^gptload_config_revision \d+$/m,
      /^gptload_config_base_revision \d+$/m,
      /^gptload_config_waiting_polls 0$/m,
      /^gptload_config_feed_failed_total \d+$/m,
      /^gptload_config_keys\{state="active"\} 0$/m,
    ])
      assert.match(text, line)
  })

  test('refuses to start with one clear message for all that is wrong', async () => {
    const message = await refusedStart({
      DATABASE_DSN: './some.db',
      EDGE_TOKEN: 'sh0rt-token',
      TRUSTED_PROXIES: '10.0.0.0/33',
      MAX_RETRIES: 'many',
    })
    for (const name of ['AUTH_KEY', 'ENCRYPTION_KEY', 'EDGE_TOKEN', 'DATABASE_DSN', 'TRUSTED_PROXIES', 'MAX_RETRIES'])
      assert.match(message, new RegExp(`^  ${name} `, 'm'))
    assert.match(message, /openssl rand -hex 32/)
    assert.match(message, /exit code 1/)
    assert.doesNotMatch(message, /sh0rt-token|\n\s+at /)
  })

  test('refuses one secret in two places', async () => {
    const one = 'one-secret-for-everything-of-32-bytes-and-more'
    const message = await refusedStart({
      DATABASE_DSN: 'mysql://root@127.0.0.1:1/none',
      AUTH_KEY: one,
      ENCRYPTION_KEY: one,
      EDGE_TOKEN: one,
    })
    assert.match(message, /ENCRYPTION_KEY is the same as AUTH_KEY/)
    assert.match(message, /EDGE_TOKEN is the same as ENCRYPTION_KEY/)
    assert.doesNotMatch(message, new RegExp(one))
  })

  test('refuses another ENCRYPTION_KEY and leaves the database as it was', async () => {
    const { host, port, createDatabase: create } = await mariadb
    const { dsn, name } = await create()
    {
      await using service = await startConfigService({ DATABASE_DSN: dsn })
      await fetch(`${service.url}/api/v1/status`, { headers: admin })
    }
    const store = createDatabase({ dialect: 'mysql', host, port, user: 'root', password: '', database: name })
    const checksums = async () => {
      const tables = await store.sql.query<Record<string, string>>('SHOW TABLES')
      const names = tables.map((row) => Object.values(row)[0]!).filter((table) => table !== 'leases')
      return store.sql.query(`CHECKSUM TABLE ${names.map((table) => `\`${table}\``).join(', ')}`)
    }
    const before = await checksums()
    const message = await refusedStart({
      DATABASE_DSN: dsn,
      ...secrets,
      ENCRYPTION_KEY: 'quite another master key',
      ADMIN_PORT: '0',
      PORT: '0',
      INTERNAL_PORT: '0',
    })
    assert.match(message, /exit code 1/)
    assert.match(message, /ENCRYPTION_KEY is not the one that this database was set up with/)
    assert.doesNotMatch(message, /quite another master key|\n\s+at /)
    assert.deepEqual(await checksums(), before)
    await store.close()
  })

  test('says which port is taken and ends', async () => {
    const { dsn } = await (await mariadb).createDatabase()
    const other = createServer()
    other.listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    const message = await refusedStart({
      DATABASE_DSN: dsn,
      ...secrets,
      ADMIN_PORT: '0',
      INTERNAL_PORT: '0',
      HOST: '127.0.0.1',
      PORT: String(port),
    })
    assert.match(message, new RegExp(`Port ${port} on 127.0.0.1 is already in use`))
    assert.match(message, /exit code 1/)
    other.close()
  })

  test('with MariaDB killed it answers 503 and says so, and serves again when it is back', async () => {
    await using own = await startMariadb()
    const { dsn } = await own.createDatabase()
    await using service = await startConfigService({ DATABASE_DSN: dsn })
    const manifest = () => fetch(`${service.internalUrl}/internal/base`, { headers: edge })
    await until(async () => (await manifest()).status === 200, { what: 'the first base' })
    await own.kill('SIGKILL')
    await until(async () => (await fetch(`${service.adminUrl}/readyz`)).status === 503, { what: 'not ready' })
    for (const path of ['/api/v1/groups', '/api/v1/logs', '/api/v1/status']) {
      const answer = await fetch(service.url + path, { headers: admin })
      assert.equal(answer.status, 503, path)
      assert.match(answer.headers.get('content-type') ?? '', /^application\/problem\+json/)
      assert.equal(((await answer.json()) as { code: string }).code, 'unavailable')
      assert.ok(Number(answer.headers.get('retry-after')) > 0)
    }
    assert.equal((await fetch(`${service.adminUrl}/livez`)).status, 200)
    assert.equal((await manifest()).status, 200, 'edges still get the base that was built')
    await own.restart()
    await until(async () => (await fetch(`${service.adminUrl}/readyz`)).ok, { what: 'ready again' })
    assert.equal((await fetch(`${service.url}/api/v1/groups`, { headers: admin })).status, 200)
    assert.equal((await service.stop()).code, 0)
  })

  test('told to end, it answers long polls and what is under way, and takes nothing new', async () => {
    const { dsn } = await (await mariadb).createDatabase()
    await using service = await startConfigService({ DATABASE_DSN: dsn })
    const status = await fetch(`${service.url}/api/v1/status`, { headers: admin })
    const { epoch, revision } = (await status.json()) as { epoch: string; revision: number }
    const polling = fetch(`${service.internalUrl}/internal/delta?epoch=${epoch}&since=${revision}&wait=25`, {
      headers: edge,
    })
    const metric = async () => (await fetch(`${service.adminUrl}/metrics`)).text()
    await until(async () => /^gptload_config_waiting_polls 1$/m.test(await metric()), { what: 'the poll to wait' })
    const creating = request(`${service.url}/api/v1/groups`, {
      method: 'POST',
      headers: { ...admin, 'content-type': 'application/json', expect: '100-continue' },
    })
    creating.flushHeaders()
    await once(creating, 'continue')
    service.signal('SIGTERM')
    const isRefused = () =>
      fetch(`${service.url}/livez`).then(
        () => false,
        () => true,
      )
    await until(isRefused, { what: 'the port to close' })
    creating.end('{"name":"late","channel":"openai","upstreams":[{"url":"https://api.example.com"}]}')
    const [created] = (await once(creating, 'response')) as [IncomingMessage]
    assert.equal(created.statusCode, 201)
    created.resume()
    assert.equal((await polling).status, 200, 'edges hear of the last change')
    assert.deepEqual(await service.exit, { code: 0, signal: null })
  })

  test('waits for a MariaDB that is away at the start', async () => {
    await using own = await startMariadb()
    const { dsn } = await own.createDatabase()
    await own.kill('SIGKILL')
    const starting = startConfigService({ DATABASE_DSN: dsn })
    await own.restart()
    await using service = await starting
    assert.equal((await fetch(`${service.url}/api/v1/status`, { headers: admin })).status, 200)
  })
})
