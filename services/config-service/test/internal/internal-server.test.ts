import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { edgeReachableMs, type CallerDemand, type EdgeReportAnswer } from '@gpt-load/contracts/edge-report'
import type { KeyEvent, KeyEventPost } from '@gpt-load/contracts/key-event'
import type { ResourceAnswer } from '@gpt-load/contracts/resource-key'
import { deltaHeaders, type BaseManifest } from '@gpt-load/contracts/snapshot'
import { useSqlServers } from '@gpt-load/testkit/servers/test-servers'
import { until } from '@gpt-load/testkit/until'
import { removeOldResources } from '../../src/internal/resource-keys.ts'
import { startInternalServer } from '../../src/internal/internal-server.ts'
import { edgeTokens, mysqlConnection, openReplica, sqliteConnection, type Replica } from '../truth/replica.ts'
import { addAccessKey, addGroup, addKeys } from '../truth/rows.ts'
import { edgeReport } from '../support/edge-report.ts'

const dialects = [
  { name: 'SQLite', skip: false, connect: async () => sqliteConnection() },
  ...(await useSqlServers()).map(({ name, skip, createDatabase }) => ({
    name,
    skip,
    connect: async () => mysqlConnection(await createDatabase()),
  })),
]
const authorization = `Bearer ${edgeTokens[0]}`

async function serve(replica: Replica) {
  const ignore = () => {}
  const logger = { trace: ignore, debug: ignore, info: ignore, warn: ignore, error: ignore, fatal: ignore }
  const { internalApi: api, bases } = replica.truth
  const server = await startInternalServer({
    api,
    bases,
    edgeTokens,
    host: '127.0.0.1',
    port: 0,
    logger: { ...logger, child: () => assert.fail() },
  })
  const ask = (path: string, init: RequestInit = {}) =>
    fetch(`http://127.0.0.1:${server.port}${path}`, { ...init, headers: { authorization, ...init.headers } })
  return {
    ask,
    close: () => server.close(),
    post: (path: string, body: unknown) => ask(path, { method: 'POST', body: JSON.stringify(body) }),
    manifest: () =>
      until(
        async () => {
          const answer = await ask('/internal/base')
          return answer.status === 200 ? ((await answer.json()) as BaseManifest) : undefined
        },
        { what: 'the first base' },
      ),
    [Symbol.asyncDispose]: () => server.close(),
  }
}

function limited(keyId: number): KeyEvent {
  const cause = { at: 1_000, class: 'rate_limit' as const, status: 429, code: 'rate_limit_exceeded', request_id: 'r-1' }
  return {
    key_id: keyId,
    generation: 0,
    state: 'cooling',
    until: Date.now() + 60_000,
    failures: 1,
    succeeded: false,
    first_cause: cause,
    last_cause: cause,
  }
}

for (const { name, skip, connect } of dialects) {
  describe(`/internal on ${name}`, { skip }, () => {
    test('nothing is answered without an accepted EDGE_TOKEN; both are accepted', async () => {
      await using connection = await connect()
      await using replica = await openReplica(connection)
      await using server = await serve(replica)
      await server.manifest()
      for (const wrong of ['', 'Bearer ', `Bearer ${edgeTokens[0]}x`, `Basic ${edgeTokens[0]}`])
        assert.equal((await server.ask('/internal/base', { headers: { authorization: wrong } })).status, 401, wrong)
      const other = { authorization: `Bearer ${edgeTokens[1]}` }
      assert.equal((await server.ask('/internal/base', { headers: other })).status, 200)
      assert.equal((await server.ask('/internal/unknown')).status, 404)
      assert.equal((await server.ask('/internal/key-events')).status, 404)
    })

    test('a base is static bytes that any range of can be had again (RFC 9110 14.2)', async () => {
      await using connection = await connect()
      await using replica = await openReplica(connection)
      await using server = await serve(replica)
      const { href, bytes } = await server.manifest()
      const whole = Buffer.from(await (await server.ask(href)).arrayBuffer())
      assert.equal(whole.length, bytes)
      const rest = await server.ask(href, { headers: { range: 'bytes=10-' } })
      assert.equal(rest.status, 206)
      assert.equal(rest.headers.get('content-range'), `bytes 10-${bytes - 1}/${bytes}`)
      assert.deepEqual(Buffer.from(await rest.arrayBuffer()), whole.subarray(10))
      const beyond = await server.ask(href, { headers: { range: `bytes=${bytes}-` } })
      assert.deepEqual([beyond.status, beyond.headers.get('content-range')], [416, `bytes */${bytes}`])
      assert.equal((await server.ask(`${href}9`)).status, 404)
      assert.equal((await server.ask('/internal/base/../../etc/passwd')).status, 404)
    })

    test('a long poll is answered by the next commit, and with nothing when the server closes', async () => {
      await using connection = await connect()
      await using replica = await openReplica(connection)
      await using server = await serve(replica)
      const { epoch } = replica.keyring
      const poll = (since: number) => server.ask(`/internal/delta?epoch=${epoch}&since=${since}&wait=25`)
      const waiting = poll(0)
      await until(() => replica.truth.waiting === 1, { what: 'the poll to wait' })
      const { revision } = await replica.change((tx) => addAccessKey(tx, replica.keyring, 'team-a'))
      const committedAt = performance.now()
      const answer = await waiting
      assert.ok(performance.now() - committedAt < 5_000)
      assert.equal(answer.headers.get(deltaHeaders.revision), String(revision))
      const last = poll(revision ?? 0)
      await until(() => replica.truth.waiting === 1, { what: 'the poll to wait' })
      await server.close()
      assert.equal((await last).status, 204)
    })

    test('another epoch, and a query that is none, are told apart', async () => {
      await using connection = await connect()
      await using replica = await openReplica(connection)
      await using server = await serve(replica)
      assert.equal((await server.ask(`/internal/delta?epoch=${'0'.repeat(32)}&since=0`)).status, 409)
      for (const query of ['', 'epoch=x&since=0', `epoch=${replica.keyring.epoch}&since=-1`])
        assert.equal((await server.ask(`/internal/delta?${query}`)).status, 400, query)
    })

    test('key events count once however often they are sent, and an older generation changes nothing', async () => {
      await using connection = await connect()
      await using replica = await openReplica(connection)
      await using server = await serve(replica)
      const { store, keyring } = replica
      const { result: groupId } = await replica.change((tx) => addGroup(tx, 'main'))
      const { result: ids } = await replica.change((tx) => addKeys(tx, keyring, groupId, ['sk-one', 'sk-two']))
      const [first, second] = ids as [number, number]
      await store.write(({ sql }) => sql.execute('UPDATE provider_keys SET generation = 3 WHERE id = ?', [second]))
      const post: KeyEventPost = {
        edge: 'edge-1',
        instance: 'i-1',
        epoch: keyring.epoch,
        number: 1,
        events: [limited(first), limited(second)],
      }
      const answers = await Promise.all([1, 2, 3].map(() => server.post('/internal/key-events', post)))
      const bodies = await Promise.all(answers.map((answer) => answer.json() as Promise<Record<string, unknown>>))
      for (const body of bodies) assert.deepEqual(body, bodies[0])
      assert.deepEqual({ applied: bodies[0]?.['applied'], stale: bodies[0]?.['stale'] }, { applied: 1, stale: 1 })
      const rows = await store.sql.query<{ state: string; failures: number }>(
        'SELECT state, failures FROM provider_keys ORDER BY id',
      )
      assert.deepEqual(
        rows.map(({ state, failures }) => [state, failures]),
        [
          ['cooling', 1],
          ['active', 0],
        ],
      )
      const { revision } = await replica.truth.position()
      assert.equal(revision, bodies[0]?.['revision'])
      const foreign = await server.post('/internal/key-events', { ...post, epoch: '0'.repeat(32), number: 2 })
      assert.equal(foreign.status, 409)
      assert.equal((await server.post('/internal/key-events', { ...post, number: 0 })).status, 400)
      const large = await server.post('/internal/reports', { text: 'x'.repeat(70_000) })
      assert.equal(large.status, 413)
    })

    test('which key made a resource is told by one edge and heard by others, once, until it expires', async () => {
      await using connection = await connect()
      await using replica = await openReplica(connection)
      await using server = await serve(replica)
      const { epoch } = await replica.truth.position()
      const resource = (number: number, expiresAt = Date.now() + 60_000) => ({
        high: number - 2 ** 31,
        low: 2 ** 31 - 1 - number,
        key_id: 2 ** 40 + number,
        expires_at: expiresAt,
      })
      const tell = (body: object) => server.post('/internal/resource-keys', { epoch, ...body })
      const hear = async (after = '') => {
        const answer = await server.ask(`/internal/resource-keys?epoch=${epoch}${after}`)
        assert.equal(answer.status, 200)
        return (await answer.json()) as ResourceAnswer
      }
      assert.deepEqual(await hear(), { resources: [], last: 0 })
      const first = [resource(0), resource(1), resource(2, 1_000)]
      assert.equal((await tell({ resources: first })).status, 204)
      assert.equal((await tell({ resources: [...first, resource(3)] })).status, 204)
      const heard = await hear()
      assert.deepEqual(heard.resources, [first[0], first[1], resource(3, heard.resources[2]!.expires_at)])
      assert.deepEqual((await hear(`&after=${heard.last}`)).resources, [])
      assert.equal((await hear(`&after=${heard.last}`)).last, heard.last)
      await removeOldResources(replica.store, Date.now(), new AbortController().signal)
      const rows = await replica.store.sql.query('SELECT id FROM resource_keys')
      assert.equal(rows.length, 3)
      assert.equal((await tell({ epoch: '0'.repeat(32), resources: first })).status, 409)
      assert.equal((await server.ask(`/internal/resource-keys?epoch=${'0'.repeat(32)}`)).status, 409)
      assert.equal((await tell({ resources: [{ ...first[0], high: 2 ** 31 }] })).status, 400)
      assert.equal((await server.ask('/internal/resource-keys?epoch=x')).status, 400)
    })

    test('a report is answered with the number of edges that have reported lately', async () => {
      await using connection = await connect()
      await using replica = await openReplica(connection)
      await using server = await serve(replica)
      const { epoch } = await replica.truth.position()
      const answers: unknown[] = []
      for (const instance of ['one', 'two', 'one']) {
        const answer = await server.post('/internal/reports', edgeReport(instance, epoch))
        assert.equal(answer.status, 200)
        answers.push(await answer.json())
      }
      assert.deepEqual(
        answers,
        [1, 2, 2].map((live_edges) => ({ live_edges, caller_demand: [], questions: [] })),
      )
      await replica.store.sql.execute('UPDATE edges SET reported_at = reported_at - ? WHERE instance = ?', [
        edgeReachableMs,
        'two',
      ])
      const later = await server.post('/internal/reports', edgeReport('one', epoch))
      assert.deepEqual(await later.json(), { live_edges: 1, caller_demand: [], questions: [] })
    })

    test('an edge is told what callers with limits ask of all edges: of those that it names, from the last reports', async () => {
      await using connection = await connect()
      await using replica = await openReplica(connection)
      await using server = await serve(replica)
      const { epoch } = await replica.truth.position()
      const tell = async (instance: string, caller_demand: CallerDemand[]) => {
        const answer = await server.post('/internal/reports', { ...edgeReport(instance, epoch), caller_demand })
        assert.equal(answer.status, 200)
        return ((await answer.json()) as EdgeReportAnswer).caller_demand
      }
      const [key, group] = [
        { kind: 'access_key', id: 1, demand: 3 },
        { kind: 'group', id: 1, demand: 5 },
      ] as const
      assert.deepEqual(await tell('one', [key, group]), [], 'all of it is the only edge’s')
      assert.deepEqual(await tell('two', [{ ...key, demand: 4 }]), [{ ...key, demand: 7 }])
      await until(async () => (await tell('one', [{ ...key, demand: 1 }]))[0]?.demand === 5, {
        what: 'the newer reports',
      })
      await replica.store.sql.execute('UPDATE edges SET reported_at = reported_at - ? WHERE instance = ?', [
        edgeReachableMs,
        'two',
      ])
      await tell('three', [])
      await until(async () => (await tell('one', [{ ...key, demand: 1 }]))[0]?.demand === 1, {
        what: 'the dead to be left out',
      })
    })
  })
}
