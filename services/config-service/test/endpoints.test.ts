import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import type { DeadLetter, LogAccountReader } from '@gpt-load/database/logs/log-account-reader'
import type { RequestTotalsQuery } from '@gpt-load/database/logs/request-log-reader'
import { until } from '@gpt-load/testkit/until'
import { useMariadb } from '@gpt-load/testkit/servers/test-servers'
import { describeAdminTokens } from './endpoints/admin-tokens.ts'
import { describeAudit } from './endpoints/audit.ts'
import { describeCapacity } from './endpoints/capacity.ts'
import { describeAccessKeyLimits } from './endpoints/access-key-limits.ts'
import { describeConfig } from './endpoints/config.ts'
import { describeEncryption } from './endpoints/encryption.ts'
import { describeExplain } from './endpoints/explain.ts'
import { describeGroupOrders } from './endpoints/groups.ts'
import { describeIdempotency } from './endpoints/idempotency.ts'
import { describeKeys } from './endpoints/keys.ts'
import { describeRollback } from './endpoints/rollback.ts'
import { describeSessions } from './endpoints/sessions.ts'
import { describeSettings } from './endpoints/settings.ts'
import { describeKeyExports } from './endpoints/key-exports.ts'
import { describeKeyFilters, keyUsageOf, type KeyUse } from './endpoints/key-filters.ts'
import { describeKeyTasks } from './endpoints/key-tasks.ts'
import { describeManagedFields } from './endpoints/managed-fields.ts'
import { describeLogSearch } from './endpoints/logs.ts'
import { describeReports } from './endpoints/reports.ts'
import { describeSeries } from './endpoints/series.ts'
import { describeStateHash } from './endpoints/state-hash.ts'
import { describeSystem } from './endpoints/system.ts'
import { describeTasks } from './endpoints/tasks.ts'
import { anyRevision, openApi, type OpenedApi } from './support/open-api.ts'
import { openLogDatabase } from './support/open-log-database.ts'
import { dialectsOf } from './support/open-stores.ts'

const deadLetter: DeadLetter = {
  id: 1,
  kind: 'record',
  state: 'waiting',
  reason: 'not a log batch',
  topic: 'request-logs',
  partition: 0,
  offset: '7',
  source: '',
  edge: '',
  firstSequence: 0,
  eventCount: 0,
  bytes: 10,
  letteredAtMs: 1,
  settledAtMs: 0,
}

const keyUse: KeyUse = { lastUsed: new Map(), isAway: false }
const totalsAsked: RequestTotalsQuery[] = []

const totals = async ({ spanS, fromS }: RequestTotalsQuery) => {
  totalsAsked.push({ spanS, fromS })
  return spanS === 60 ? { requests: 7, failures: 2 } : { requests: 70, failures: 20 }
}

const letters = [{ ...deadLetter, id: 2 }, deadLetter]
const logAccounts: LogAccountReader = {
  sources: async () => [],
  gaps: async () => [],
  caughtUpAtMs: async () => null,
  deadLetters: async ({ limit, beforeId = 3 }) => letters.filter(({ id }) => id < beforeId).slice(0, limit),
}
const requestReplay = async (ids: readonly number[] | null) => {
  if (ids?.includes(unreachableLetter) === true) throw new Error('the log is away')
  return ids?.length ?? letters.length
}
const unreachableLetter = 99

for (const [name, connect] of Object.entries(dialectsOf(useMariadb()))) {
  describe(`admin API on ${name}`, () => {
    let opened: OpenedApi | undefined
    const logs = openLogDatabase()
    const api = async (): Promise<OpenedApi> =>
      (opened ??= await openApi(await connect(), {
        logReader: { ...(await logs).reader, keys: keyUsageOf(keyUse), totals },
        logAccounts,
        requestReplay,
      }))
    after(async () => opened?.[Symbol.asyncDispose]())

    const upstreams = [{ url: 'https://api.example.com', weight: 2 }]
    const newGroup = (group: string, more: object = {}) => ({ name: group, channel: 'openai', upstreams, ...more })

    test('groups are created, listed by pages, patched, and deleted with everything that names them', async () => {
      const { operate, call, store } = await api()
      const created = await operate('createGroup', {
        body: newGroup('main', { settings: { max_retries: 5 }, description: 'first' }),
      })
      const { id } = created.body
      assert.deepEqual(
        [created.body.test_model, created.body.endpoint, created.body.key_counts.total],
        ['gpt-4.1-nano', '/proxy/main', 0],
      )
      assert.equal(created.headers.get('x-gptload-applied'), '0/0')
      assert.equal((await operate('getGroup', { params: { id } })).body.settings.max_retries, 5)
      const patched = await operate('updateGroup', {
        params: { id },
        body: { display_name: 'Main', description: null, settings: { max_retries: null, blacklist_threshold: 1 } },
      })
      assert.deepEqual(
        [patched.body.display_name, patched.body.description, patched.body.settings],
        ['Main', '', { blacklist_threshold: 1 }],
      )
      for (const other of ['b', 'c', 'd']) await operate('createGroup', { body: newGroup(other, { sort: 1 }) })
      const names: string[] = []
      for (let cursor = ''; cursor !== 'end';) {
        const query = `limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`
        const page = await operate('listGroups', { query })
        names.push(...page.body.items.map((group: { name: string }) => group.name))
        cursor = page.body.next_cursor ?? 'end'
      }
      assert.deepEqual(names, ['main', 'd', 'c', 'b'])
      assert.equal((await operate('listGroups', { query: 'search=MAI&enabled=true' })).body.items.length, 1)
      assert.equal((await operate('listGroups', { query: 'search=%25' })).body.items.length, 0)
      const accessKey = await operate('createAccessKey', {
        body: { name: 'scoped', group_ids: [id], default_group_id: id },
      })
      await operate('addKeys', { params: { id }, body: { keys: ['sk-goes-with-its-group-1'] } })
      await operate('deleteGroup', { params: { id } })
      assert.equal((await call(`/api/v1/groups/${id}`)).status, 404)
      const orphan = await operate('getAccessKey', { params: { id: accessKey.body.id } })
      assert.deepEqual([orphan.body.group_ids, orphan.body.default_group_id], [[], null])
      assert.notEqual(orphan.headers.get('etag'), accessKey.headers.get('etag'))
      const countOrphans = () => store.database.providerKey.count({ where: { group_id: id } })
      await until(async () => (await countOrphans()) === 0, { what: 'the keys of the deleted group to go' })
      await operate('deleteAccessKey', { params: { id: accessKey.body.id } })
    })

    test('a change that changes nothing makes no revision; one that does makes exactly one', async () => {
      const { operate, revision } = await api()
      const { body: group } = await operate('createGroup', {
        body: newGroup('same', { header_rules: [{ key: 'X-A', value: 'secret-header-value', action: 'set' }] }),
      })
      const before = await revision()
      const { id, name: groupName, channel, header_rules: headerRules, settings } = group
      const unchanged = await operate('updateGroup', {
        params: { id },
        body: {
          name: groupName,
          channel,
          header_rules: headerRules,
          settings,
          upstreams: group.upstreams.map(({ url, weight }: { url: string; weight: number }) => ({ url, weight })),
        },
      })
      assert.deepEqual([await revision(), unchanged.headers.get('x-gptload-revision')], [before, null])
      const changed = await operate('updateGroup', { params: { id }, body: { sort: 9 } })
      assert.deepEqual([await revision(), changed.headers.get('x-gptload-revision')], [before + 1, String(before + 1)])
      assert.equal(changed.headers.get('etag'), `"${before + 1}"`)
    })

    test('If-Match lets a change through for the revision that was read, else nothing happens (412)', async () => {
      const { operate, call, revision } = await api()
      const { body: group, headers } = await operate('createGroup', { body: newGroup('matched') })
      const etag = headers.get('etag') ?? ''
      const path = `/api/v1/groups/${group.id}`
      await operate('updateGroup', { params: { id: group.id }, body: { sort: 1 }, headers: { 'if-match': etag } })
      const before = await revision()
      const late = await call(path, { method: 'PATCH', body: { sort: 2 }, headers: { 'if-match': etag } })
      assert.deepEqual([late.status, late.body.code, await revision()], [412, 'precondition_failed', before])
      assert.notEqual(late.headers.get('etag'), etag)
      assert.equal((await call(path, { method: 'DELETE', headers: { 'if-match': etag } })).status, 412)
      assert.equal((await call(path, { method: 'DELETE', headers: anyRevision })).status, 204)
    })

    test('without If-Match nothing that exists is changed (428)', async () => {
      const { operate, call, revision } = await api()
      const { body: group } = await operate('createGroup', { body: newGroup('unmatched') })
      const before = await revision()
      for (const [method, path, body] of [
        ['PATCH', `/groups/${group.id}`, { sort: 2 }],
        ['PUT', `/groups/${group.id}/upstreams`, upstreams],
        ['DELETE', `/groups/${group.id}`, undefined],
        ['PATCH', '/settings', { max_retries: 2 }],
      ] as const) {
        const answer = await call(`/api/v1${path}`, { method, body })
        assert.deepEqual([answer.status, answer.body.code], [428, 'precondition_required'], `${method} ${path}`)
      }
      assert.equal(await revision(), before)
    })

    test('a refused change answers with what is there now, to those who may read it', async () => {
      const { operate, call } = await api()
      const member = (await operate('createGroup', { body: newGroup('current-member') })).body.id
      const aggregate = { name: 'current', kind: 'aggregate', channel: 'openai', members: [{ group_id: member }] }
      const { body: group } = await operate('createGroup', { body: aggregate })
      const stale = { 'if-match': '"1"' }
      const path = `/api/v1/groups/${group.id}`
      const patch = { method: 'PATCH', body: { sort: 2 } }
      assert.deepEqual((await call(path, { ...patch, headers: stale })).body.current, group)
      const taken = await call(`${path}/members/${member}`, { method: 'DELETE', headers: stale })
      assert.deepEqual(taken.body.current, { items: group.members })
      const body = { name: 'current-writer', scopes: ['write'] }
      const { token } = (await operate('createAdminToken', { body })).body
      const blind = await call(path, { ...patch, headers: { ...stale, authorization: `Bearer ${token}` } })
      assert.deepEqual([blind.status, blind.body.current], [412, undefined])
    })

    test('upstreams are replaced as a list; one whose URL stays keeps its id; credentials are never shown', async () => {
      const { operate, call, store } = await api()
      const { body: group } = await operate('createGroup', { body: newGroup('ups') })
      const params = { id: group.id }
      const secretUrl = 'https://user:upstream-pa55word@b.example.com/base?api_key=upstream-query-key'
      const list = await operate('replaceUpstreams', {
        params,
        body: [{ url: secretUrl }, { url: 'https://api.example.com', weight: 5 }],
      })
      assert.equal(list.body.items[1].id, group.upstreams[0].id)
      assert.ok(!/pa55word|upstream-query-key/.test(list.text))
      const [row] = await store.sql.query<{ url: string }>('SELECT url FROM upstreams WHERE id = ?', [
        list.body.items[0].id,
      ])
      assert.ok(!row?.url.includes('pa55word'))
      const again = await operate('replaceUpstreams', {
        params,
        body: list.body.items.map(({ url, weight }: { url: string; weight: number }) => ({ url, weight })),
      })
      assert.deepEqual(again.body, list.body)
      assert.equal(again.headers.get('x-gptload-revision'), null)
      assert.deepEqual((await operate('listUpstreams', { params })).body, list.body)
      const refused = await call(`/api/v1/groups/${group.id}/upstreams`, {
        method: 'PUT',
        headers: anyRevision,
        body: [{ url: 'https://ok.example.com' }, { url: 'http://169.254.169.254/latest' }],
      })
      assert.deepEqual([refused.status, refused.body.errors[0].pointer], [400, '/1/url'])
    })

    test('aggregates take standard groups of their channel as members, and only those', async () => {
      const { operate, call } = await api()
      const member = (await operate('createGroup', { body: newGroup('member-1') })).body.id
      const second = (await operate('createGroup', { body: newGroup('member-2') })).body.id
      const foreign = (await operate('createGroup', { body: newGroup('foreign', { channel: 'anthropic' }) })).body.id
      const { body: aggregate } = await operate('createGroup', {
        body: { name: 'agg', kind: 'aggregate', channel: 'openai', members: [{ group_id: member, weight: 3 }] },
      })
      assert.deepEqual([aggregate.test_model, aggregate.members[0].name], ['-', 'member-1'])
      const { id } = aggregate
      assert.equal(
        (await operate('putMember', { params: { id, member_id: second }, body: { weight: 0 } })).body.items.length,
        2,
      )
      await operate('putMember', { params: { id, member_id: second }, body: { weight: 7 } })
      assert.deepEqual(
        (await operate('listMembers', { params: { id } })).body.items.map((one: { weight: number }) => one.weight),
        [3, 7],
      )
      await operate('deleteMember', { params: { id, member_id: second } })
      assert.equal(
        (await call(`/api/v1/groups/${id}/members/${second}`, { method: 'DELETE', headers: anyRevision })).status,
        404,
      )
      const body = [{ group_id: second }, { group_id: member }]
      assert.equal((await operate('replaceMembers', { params: { id }, body })).body.items[0].group_id, second)
      const refused = await call(`/api/v1/groups/${id}/members`, {
        method: 'PUT',
        headers: anyRevision,
        body: [{ group_id: foreign }, { group_id: id }, { group_id: 999_999 }],
      })
      assert.deepEqual(
        [refused.status, refused.body.errors.map((error: { pointer: string }) => error.pointer)],
        [400, ['/0/group_id', '/1/group_id', '/2/group_id']],
      )
      assert.equal(
        (await call(`/api/v1/groups/${member}`, { method: 'PATCH', headers: anyRevision, body: { channel: 'gemini' } }))
          .body.errors[0].pointer,
        '/channel',
      )
      assert.equal(
        (await call(`/api/v1/groups/${id}/keys`, { method: 'POST', body: { keys: ['sk-none-for-aggregates'] } }))
          .status,
        409,
      )
      await operate('deleteGroup', { params: { id: member } })
      assert.equal((await operate('listMembers', { params: { id } })).body.items.length, 1)
    })

    test('an access key is shown once; a given token may exist once; listings show its hint', async () => {
      const { operate, call } = await api()
      const created = await operate('createAccessKey', { body: { name: 'team', all_groups: true } })
      const { id, key } = created.body
      assert.match(key, /^gpl_[\w-]{43}$/)
      assert.match(created.body.hint, new RegExp(`^gpl_.{4}….{4}#${id}$`))
      for (const answer of [await operate('getAccessKey', { params: { id } }), await operate('listAccessKeys')])
        assert.ok(!answer.text.includes(key))
      const twice = await call('/api/v1/access-keys', { method: 'POST', body: { name: 'other', key } })
      assert.deepEqual([twice.status, twice.body.code, twice.body.errors[0].pointer], [409, 'duplicate', '/key'])
      const expires = '2030-01-01T00:00:00.000Z'
      const patched = await operate('updateAccessKey', {
        params: { id },
        body: { enabled: false, expires_at: expires, note: 'n', name: 'team-a' },
      })
      assert.deepEqual([patched.body.enabled, patched.body.expires_at], [false, expires])
      const missing = await call(`/api/v1/access-keys/${id}`, {
        method: 'PATCH',
        headers: anyRevision,
        body: { all_groups: false, group_ids: [123_456] },
      })
      assert.equal(missing.body.errors[0].pointer, '/group_ids/0')
      assert.equal((await operate('listAccessKeys', { query: 'search=TEAM&enabled=false' })).body.items.length, 1)
      await operate('deleteAccessKey', { params: { id } })
    })

    test('dead letters are listed page by page and asked for again; the log is reconciled', async () => {
      const { operate, call } = await api()
      const first = await operate('listDeadLetters', { query: 'limit=1&state=waiting' })
      assert.deepEqual([first.body.items[0].id, first.body.items[0].offset], [2, '7'])
      const rest = await operate('listDeadLetters', { query: `limit=1&cursor=${first.body.next_cursor}` })
      assert.deepEqual([rest.body.items[0].id, rest.body.next_cursor], [1, null])
      assert.equal((await operate('replayDeadLetters', { body: { ids: null } })).body.asked, 2)
      assert.equal((await operate('replayDeadLetters', { body: { ids: [2] } })).body.asked, 1)
      const asked = async () => (await operate('listAudit', { query: 'entity=log&entity_id=0' })).body.items.length
      assert.equal(await asked(), 2)
      const unheard = { method: 'POST', body: { ids: [unreachableLetter] } }
      assert.equal((await call('/api/v1/logs/dead-letters/replay', unheard)).status, 500)
      assert.equal(await asked(), 2, 'nothing was asked for, so nobody has')
      assert.deepEqual((await operate('listAudit', { query: 'limit=1' })).body.items[0].action, 'log.replay')
      const { body } = await operate('reconcileLogs', { query: 'gaps=false' })
      assert.deepEqual([body.missing, body.caught_up_at], [0, null])
      assert.equal((await call('/api/v1/logs/reconcile?gaps=maybe')).status, 400)
    })

    test('the overview counts keys by state and group, requests of the last hour and day, and edges', async () => {
      const { operate } = await api()
      const before = (await operate('getOverview')).body
      const { id } = (await operate('createGroup', { body: newGroup('overview', { enabled: false }) })).body
      await operate('addKeys', { params: { id }, body: { keys: ['sk-overview-aaaaaaaa', 'sk-overview-bbbbbbbb'] } })
      const [key] = (await operate('listKeys', { params: { id } })).body.items
      await operate('disableKey', { params: { id: key.id } })
      await operate('createAccessKey', { body: { name: 'overview', enabled: false } })
      totalsAsked.length = 0
      const { body: now } = await operate('getOverview')
      assert.deepEqual([now.groups.total, now.groups.enabled], [before.groups.total + 1, before.groups.enabled])
      const added = (state: string) => now.keys[state] - before.keys[state]
      assert.deepEqual(['total', 'active', 'disabled'].map(added), [2, 1, 1])
      const { name: groupName, key_counts: counts } = now.by_group.find((group: { id: number }) => group.id === id)
      assert.deepEqual([groupName, counts.total, counts.disabled], ['overview', 2, 1])
      const accessKeys = [now.access_keys.total - before.access_keys.total, now.access_keys.enabled]
      assert.deepEqual(accessKeys, [1, before.access_keys.enabled])
      const { last_hour: hour, last_day: day } = now.requests
      assert.deepEqual([hour.requests, hour.failures, day.requests, day.failures], [7, 2, 70, 20])
      const nowMs = Date.parse(now.server_time)
      const age = ({ from }: { from: string }) => nowMs - Date.parse(from)
      assert.ok(age(hour) >= 59 * 60_000 && age(hour) < 3_600_000 && hour.from.endsWith(':00.000Z'))
      assert.ok(age(day) >= 23 * 3_600_000 && age(day) < 86_400_000 && day.from.endsWith(':00:00.000Z'))
      assert.deepEqual(totalsAsked, [
        { spanS: 60, fromS: Date.parse(hour.from) / 1_000 },
        { spanS: 3_600, fromS: Date.parse(day.from) / 1_000 },
      ])
      assert.deepEqual(now.edges, { reachable: 0, applied: 0 })
      await operate('deleteGroup', { params: { id } })
      assert.deepEqual((await operate('getOverview')).body.keys, before.keys)
    })

    test('edges, status and the OpenAPI document', async () => {
      const { operate } = await api()
      assert.deepEqual((await operate('listEdges')).body.items, [])
      const [group] = (await operate('listGroups')).body.items
      const observations = await operate('listRuleObservations', { params: { id: group.id } })
      assert.deepEqual(observations.body.items, [])
      assert.match((await operate('getStatus')).body.epoch, /^[0-9a-f]{32}$/)
      const { body } = await operate('getOpenapi')
      assert.equal(body.openapi, '3.1.0')
      assert.equal(body.paths['/api/v1/keys/{id}/disable'].post.operationId, 'disableKey')
      const upload = body.paths['/api/v1/groups/{id}/keys/import'].post.requestBody.content
      assert.deepEqual(Object.keys(upload), ['text/plain', 'text/csv', 'application/x-ndjson', 'application/json'])
      const events = body.paths['/api/v1/tasks/{id}/events'].get.responses['200'].content
      assert.deepEqual(Object.keys(events), ['text/event-stream'])
    })

    describeGroupOrders(api)
    describeKeys(api)
    describeSettings(api)
    describeSessions(api, connect)
    describeAdminTokens(api, connect)
    describeAudit(api)
    describeConfig(api)
    describeAccessKeyLimits(api)
    describeManagedFields(api)
    describeIdempotency(api, connect)
    describeTasks(api)
    describeSystem(api)
    describeExplain(api)
    describeStateHash(api)
    describeCapacity(api)
    describeSeries(api, logs)
    describeReports(api, logs)
    describeLogSearch(api, logs)
    describeKeyTasks(api)
    describeKeyExports(api)
    describeKeyFilters(api, keyUse)
    describeEncryption(api, connect)
    describeRollback(api, connect)

    test('every endpoint of the table was called with success above', async () => {
      assert.deepEqual((await api()).untried(), [])
    })

    test('no secret that was put in came out in any answer or log line', async () => {
      const { answers, logged } = await api()
      const everything = [...answers, ...logged].join('\n')
      const canaries = [
        'sk-pool-key-aaaaaaaaaaaa',
        'sk-pool-key-number-1',
        'sk-probe-key-cccccccccccc',
        'sk-dead-upstream-dddd',
        'upstream-pa55word',
        'upstream-query-key',
        'secret-header-value',
        'proxy-pa55word',
        'config-header-secret',
        'config-url-pa55word',
        'sk-config-key-',
        'copy-pa55word',
        'copy-pr0xy',
        'copy-header-value',
        'sk-copied-key-aaaaaaaa',
        'an-admin-key-of-enough-length',
      ]
      assert.ok(everything.length > 10_000)
      for (const canary of canaries) assert.ok(!everything.includes(canary), canary)
    })
  })
}
