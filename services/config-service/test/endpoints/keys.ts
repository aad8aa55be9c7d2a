import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { sweepDue } from '../../src/key-state/sweep-due.ts'
import { assertCountsAreKept } from '../support/key-states.ts'
import type { OpenedApi } from '../support/open-api.ts'
import { startRecordingProvider } from '../support/recording-provider.ts'

export function describeKeys(api: () => Promise<OpenedApi>): void {
  const upstreams = [{ url: 'https://api.example.com', weight: 2 }]
  const newGroup = (group: string, more: object = {}) => ({ name: group, channel: 'openai', upstreams, ...more })

  describe('keys', () => {
    test('keys are added once, listed by state, noted, disabled, enabled, restored and deleted, with counts and history', async () => {
      const { operate, call } = await api()
      const { id: groupId } = (await operate('createGroup', { body: newGroup('pool') })).body
      const params = { id: groupId }
      const text =
        '# mine\nsk-pool-key-aaaaaaaaaaaa, sk-pool-key-bbbbbbbbbbbb\nsk-pool-key-aaaaaaaaaaaa\nbad\u0007key\n'
      const added = await operate('addKeys', { params, body: { text, note: 'from a test' } })
      assert.deepEqual(added.body, {
        added: 2,
        duplicate: 1,
        malformed: 1,
        malformed_lines: [{ line: 4, reason: 'must not contain control characters' }],
        total: 2,
      })
      const repeated = await operate('addKeys', { params, body: { keys: ['sk-pool-key-aaaaaaaaaaaa'] } })
      assert.deepEqual([repeated.body.added, repeated.headers.get('x-gptload-revision')], [0, null])
      await operate('addKeys', {
        params,
        body: { keys: Array.from({ length: 5 }, (_, n) => `sk-pool-key-number-${n}-xxxx`) },
      })
      const seen: number[] = []
      for (let cursor: string | null = ''; cursor !== null;) {
        const page = await operate('listKeys', { params, query: `limit=3${cursor && `&cursor=${cursor}`}` })
        seen.push(...page.body.items.map((key: { id: number }) => key.id))
        cursor = page.body.next_cursor
      }
      assert.deepEqual([seen.length, seen], [7, seen.toSorted((a, b) => b - a)])
      const [key] = (await operate('listKeys', { params, query: 'search=FROM%20A' })).body.items
      assert.deepEqual([key.hint, key.state, key.usable], ['sk-p…bbbb', 'active', true])
      const one = { params: { id: key.id } }
      const updated = await operate('updateKey', { ...one, body: { note: 'renamed', weight: 3 } })
      assert.deepEqual([updated.body.note, updated.body.weight], ['renamed', 3])
      const until = new Date(Date.now() + 3_600_000).toISOString()
      const disabled = await operate('disableKey', { ...one, body: { note: 'leaked?', until } })
      assert.deepEqual(
        [disabled.body.state, disabled.body.until, disabled.body.usable, disabled.body.cause.note],
        ['disabled', until, false, 'leaked?'],
      )
      assert.equal((await operate('restoreKey', one)).body.state, 'disabled')
      assert.equal((await operate('listKeys', { params, query: 'state=disabled,invalid' })).body.items.length, 1)
      const counts = (await operate('getGroup', { params })).body.key_counts
      assert.deepEqual([counts.total, counts.active, counts.disabled], [7, 6, 1])
      assert.deepEqual((await operate('getGroup', { params })).body.keys_out, [{ cause: 'operator', keys: 1 }])
      const enabled = await operate('enableKey', one)
      assert.deepEqual([enabled.body.state, enabled.body.generation], ['active', 2])
      assert.deepEqual((await operate('getGroup', { params })).body.keys_out, [])
      assert.equal((await operate('restoreKey', one)).body.generation, 3)
      const detail = await operate('getKey', one)
      assert.deepEqual(
        detail.body.history.map((entry: { state_to: string }) => entry.state_to),
        ['active', 'active', 'disabled'],
      )
      await operate('deleteKey', one)
      assert.equal((await call(`/api/v1/keys/${key.id}`)).status, 404)
      assert.equal((await operate('getGroup', { params })).body.key_counts.total, 6)
    })

    test('keys that are out are counted by cause, whatever changes them', async () => {
      const { operate, service, store } = await api()
      const { id } = (await operate('createGroup', { body: newGroup('out-by-cause') })).body
      const params = { id }
      await operate('addKeys', {
        params,
        body: { keys: Array.from({ length: 6 }, (_, n) => `sk-out-by-cause-${n}-xxxx`) },
      })
      const ids: number[] = (await operate('listKeys', { params })).body.items.map((key: { id: number }) => key.id)
      const { epoch } = (await operate('getStatus')).body
      const out = async () => {
        await assertCountsAreKept(store.sql, id)
        const { keys_out: keysOut } = (await operate('getGroup', { params })).body
        return keysOut.map(({ cause, keys }: { cause: string; keys: number }) => `${cause} ${keys}`).join()
      }
      const until = Date.now() + 60_000
      let number = 0
      const report = async (key: number, state: 'cooling' | 'invalid', why: 'rate_limit' | 'upstream' | 'key_auth') => {
        number += 1
        const cause = { at: Date.now(), class: why }
        const event = {
          key_id: key,
          generation: 0,
          state,
          until: state === 'cooling' ? until + number : 0,
          failures: 1,
        }
        const events = [{ ...event, succeeded: false, first_cause: cause, last_cause: cause }]
        await service.internalApi.keyEvents({ edge: 'e', instance: 'counts', epoch, number, events })
      }
      await report(ids[0]!, 'cooling', 'rate_limit')
      await report(ids[1]!, 'cooling', 'rate_limit')
      await report(ids[2]!, 'invalid', 'key_auth')
      assert.equal(await out(), 'rate_limit 2,key_auth 1')
      await report(ids[1]!, 'cooling', 'upstream')
      assert.equal(await out(), 'key_auth 1,rate_limit 1,upstream 1', 'the same state for another reason')
      await operate('disableKey', { params: { id: ids[3]! }, body: {} })
      await operate('disableKey', { params: { id: ids[2]! }, body: {} })
      assert.equal(await out(), 'operator 2,rate_limit 1,upstream 1')
      await operate('enableKey', { params: { id: ids[3]! } })
      assert.equal(await out(), 'operator 1,rate_limit 1,upstream 1', 'who enabled a key keeps none out')
      await operate('deleteKey', { params: { id: ids[2]! } })
      assert.equal(await out(), 'rate_limit 1,upstream 1')
      await sweepDue(store, until + number)
      assert.equal(await out(), '')
    })

    test('a probe is shaped as traffic is, and its answer decides about the key', async () => {
      const { operate } = await api()
      await using provider = await startRecordingProvider()
      const group = await operate('createGroup', {
        body: {
          ...newGroup('probed'),
          upstreams: [{ url: `${provider.url}/base/v1?api-version=7` }],
          test_model: 'alias',
          model_redirects: { 'al*': 'real-model' },
          param_overrides: { temperature: 0 },
          header_rules: [{ key: 'X-From', value: '${CLIENT_IP} ${GROUP_NAME}', action: 'set' }],
        },
      })
      const secret = 'sk-probe-key-cccccccccccc'
      await operate('addKeys', { params: { id: group.body.id }, body: { keys: [secret] } })
      const [key] = (await operate('listKeys', { params: { id: group.body.id } })).body.items
      const probe = async (reply: Parameters<typeof provider.answerWith>[0]) => {
        provider.answerWith(reply)
        return (await operate('testKey', { params: { id: key.id } })).body
      }
      const detail = async () => (await operate('getKey', { params: { id: key.id } })).body

      const limited = await probe({
        status: 429,
        headers: { 'retry-after': '30' },
        body: { error: { code: 'rate_limit_exceeded' } },
      })
      assert.deepEqual([limited.valid, limited.status, limited.state], [false, 429, 'cooling'])
      assert.equal((await detail()).cause.deadline_source, 'retry_after')
      const quota = await probe({
        status: 429,
        body: {
          error: { code: 'insufficient_quota', type: 'insufficient_quota', message: 'You exceeded your current quota' },
        },
      })
      assert.equal(quota.state, 'exhausted')
      const upstreamDown = await probe({ status: 503, body: { error: { message: 'overloaded' } } })
      assert.deepEqual([upstreamDown.valid, upstreamDown.state], [false, 'exhausted'])
      const refused = await probe({
        status: 401,
        body: { error: { code: 'invalid_api_key', message: `Incorrect API key provided: ${secret}.` } },
      })
      assert.deepEqual([refused.state, refused.code], ['invalid', 'invalid_api_key'])
      assert.ok(!refused.message.includes(secret))
      const valid = await probe({ status: 200 })
      assert.deepEqual([valid.valid, valid.state], [true, 'active'])
      const after = await detail()
      assert.deepEqual([after.last_probe.ok, after.failures], [true, 0])
      assert.ok(after.generation > key.generation)
      await operate('disableKey', { params: { id: key.id } })
      assert.equal((await probe({ status: 200 })).state, 'disabled')

      const request = provider.received[0]
      assert.equal(request?.url, '/base/v1/chat/completions?api-version=7')
      assert.deepEqual(
        [request.headers.authorization, request.headers['x-from']],
        [`Bearer ${secret}`, '127.0.0.1 probed'],
      )
      const sent = JSON.parse(request.body) as { model: string; temperature: number }
      assert.deepEqual([sent.model, sent.temperature], ['real-model', 0])
    })

    test('an upstream that does not answer changes nothing about the key', async () => {
      const { operate } = await api()
      const group = await operate('createGroup', {
        body: newGroup('dead', { upstreams: [{ url: 'http://127.0.0.1:1' }] }),
      })
      await operate('addKeys', { params: { id: group.body.id }, body: { keys: ['sk-dead-upstream-dddd'] } })
      const [key] = (await operate('listKeys', { params: { id: group.body.id } })).body.items
      const { body } = await operate('testKey', { params: { id: key.id } })
      assert.deepEqual(
        [body.valid, body.status, body.state, body.message],
        [false, null, 'active', 'the connection was refused'],
      )
    })
  })
}
