import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { ExplainedRequest } from '@gpt-load/contracts/explanation'
import { startFakeProvider } from '@gpt-load/testkit/upstreams/fake-provider'
import { explainRequest } from '../../src/explain/explain-request.ts'
import { bearer, chat } from '../support/chat-request.ts'
import { send } from '../support/http-message.ts'
import { openDataPlane, type DataPlane, type TestGroup } from '../support/open-data-plane.ts'

const keys = ['sk-key-number-one-0001', 'sk-key-number-two-0002', 'sk-key-number-three-03']
const upstreams = ['http://one.invalid:8080/base', 'http://two.invalid:8080']

const asked: ExplainedRequest = {
  group: 'g',
  access_key_id: 1,
  method: 'POST',
  path: '/v1/chat/completions',
  headers: [['X-Trace', 'abc']],
  body: '{"model":"m","stream":true}',
  client_address: '192.0.2.1',
}

function explain({ services }: DataPlane, request: Partial<ExplainedRequest> = {}) {
  const { policies, table, upstreamHealth: health } = services
  const position = { epoch: '', revision: 7 }
  return explainRequest({ edge: 'edge-1', position, policies, table, health }, { ...asked, ...request })
}

const open = (more: Partial<TestGroup> = {}, others: readonly TestGroup[] = []) =>
  openDataPlane({ groups: [{ name: 'g', upstreams, keys, ...more }, ...others] })

suite('explain', () => {
  test('names the very request that the upstream then gets, keys masked', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    await using plane = await openDataPlane({
      groups: [
        {
          name: 'g',
          upstreams: [`${provider.url}?sig=a-signature-of-mine`],
          keys: keys.slice(0, 1),
          header_rules: [
            { key: 'X-Caller', value: '${ACCESS_KEY_NAME}/${CLIENT_IP}', action: 'set' },
            { key: 'X-Copy', value: 'k=${API_KEY}', action: 'set' },
            { key: 'X-Other-Token', value: 'a-token-of-the-operator', action: 'set' },
          ],
          model_redirects: { m: 'm-large' },
        },
      ],
    })
    const { attempt, refusal, is_stream: isStream, access_key: accessKey } = explain(plane)
    assert.deepEqual([refusal, isStream, accessKey], [null, true, { id: 1, name: 'team-a' }])
    await send(plane.port, { ...chat('g'), body: asked.body })
    const [sent] = provider.requests
    const shown = new Map(attempt?.headers.map(([name, value]) => [name.toLowerCase(), value]))
    assert.equal(shown.get('x-caller'), 'team-a/192.0.2.1')
    assert.equal(shown.get('authorization'), `Bearer sk-${'*'.repeat(16)}001`)
    assert.equal(shown.get('x-copy')?.startsWith('k=sk-***'), true)
    const text = JSON.stringify(attempt)
    for (const secret of [keys[0]!, 'a-token-of-the-operator', 'a-signature-of-mine']) assert.ok(!text.includes(secret))
    assert.deepEqual([attempt?.model, attempt?.is_body_rewritten], ['m-large', true])
    assert.match(sent!.body.toString(), /m-large/)
    assert.equal(attempt?.url, `${provider.url}/v1/chat/completions?sig=…`)
  })

  test('counts keys by what keeps them out', async () => {
    await using plane = await open({ keys: [...keys, ...keys.map((key) => `${key}-more`)] })
    const { table } = plane.services
    const until = Date.now() + 60_000
    const put = (keyId: number, state: 'cooling' | 'invalid' | 'suspect') =>
      table.apply(plane.writer.slotOf(keyId), keyId, {
        state,
        until: state === 'cooling' ? until : 0,
        generation: table.generation(plane.writer.slotOf(keyId)),
        failures: 1,
      })
    put(1, 'cooling')
    put(2, 'invalid')
    put(3, 'suspect')
    const slot = plane.writer.slotOf(4)
    table.applyModel(slot, 4, 'm', { state: 'cooling', until, generation: table.generation(slot), failures: 1 })
    const [candidate] = explain(plane).candidates
    assert.deepEqual([candidate?.keys, candidate?.active, candidate?.suspect, candidate?.surveyed], [6, 2, 1, 4])
    const out = Object.fromEntries(candidate!.out.map(({ reason, keys: count }) => [reason, count]))
    assert.deepEqual(out, { cooling: 1, invalid: 1, limited_for_model: 1 })
    // Another model is not limited.
    assert.equal(explain(plane, { body: '{"model":"other"}' }).candidates[0]?.active, 3)
  })

  test('says what the caller gets when nothing would be tried', async () => {
    await using plane = await open({ keys: [] }, [{ name: 'off', enabled: false }])
    const refusal = (request: Partial<ExplainedRequest>) => explain(plane, request).refusal
    assert.deepEqual(refusal({}), { code: 'NO_KEYS_AVAILABLE', status: 503, retry_after_s: 0 })
    assert.equal(refusal({ access_key_id: 99 })?.code, 'UNAUTHORIZED')
    assert.equal(refusal({ group: 'nowhere' })?.code, 'NOT_FOUND')
    assert.equal(refusal({ group: 'off' })?.code, 'FORBIDDEN')
    assert.equal(refusal({ method: 'TRACE' })?.code, 'BAD_REQUEST')
  })

  test('shows the attempts that would follow: other keys after 429, the other upstream after 503', async () => {
    await using plane = await open({ settings: { max_retries: 2 } })
    const { ladders } = explain(plane)
    const ladder = (status: number) => ladders.find(({ on_status: on }) => on === status)!
    assert.equal(new Set(ladder(429).steps.map(({ key_id: id }) => id)).size, 3)
    assert.deepEqual(
      new Set(
        ladder(503)
          .steps.slice(0, 2)
          .map(({ upstream }) => upstream),
      ),
      new Set(upstreams),
    )
    await using alone = await open({ upstreams: upstreams.slice(0, 1) })
    const waits = explain(alone)
      .ladders.at(-1)
      ?.steps.map(({ wait_ms: waitMs }) => waitMs)
    assert.deepEqual(waits?.slice(0, 3), [0, 100, 200], 'the same one is waited for')
    const { ladders: ofCreation } = explain(plane, { path: '/v1/files', body: '' })
    assert.deepEqual(
      ofCreation.map(({ on_status: on, is_retried: isRetried }) => [on, isRetried]),
      [
        [401, true],
        [429, true],
        [503, false],
      ],
      'what may have made something is not sent again',
    )
  })

  test('changes nothing: no turn, no quota, no trial, no count', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    const settings = { max_requests_per_minute_per_key: 2, upstream_failure_threshold: 1, upstream_open_ms: 100 }
    await using plane = await openDataPlane({ groups: [{ name: 'g', upstreams: [provider.url], keys, settings }] })
    const { table, upstreamHealth } = plane.services
    const before = keys.map((_, index) => table.inFlight(plane.writer.slotOf(index + 1)))
    const first = explain(plane).attempt?.key_id
    for (let turn = 0; turn < 50; turn += 1) assert.equal(explain(plane).attempt?.key_id, first)
    assert.deepEqual(
      keys.map((_, index) => table.inFlight(plane.writer.slotOf(index + 1))),
      before,
    )
    assert.equal(explain(plane).candidates[0]?.active, 3, 'no cap was used up')
    assert.equal((await send(plane.port, chat('g'))).status, 200)
    assert.equal((await plane.nextEvent()).attempts.at(-1)?.keyId, first, 'the key whose turn it was')

    const { healthSlot } = [...plane.services.policies.plans()][0]!.upstreams[0]!
    upstreamHealth.failed(healthSlot, false, { failureThreshold: 1, errorRatePercent: 0, openMs: 1, stormKeys: 0 })
    const due = Date.now() + 2_000
    while (upstreamHealth.stateOf(healthSlot).state !== 'half_open' && Date.now() < due) await new Promise(setImmediate)
    assert.equal(explain(plane).attempt?.is_trial, true)
    assert.equal(upstreamHealth.claimTrial(healthSlot), true, 'the trial is still to be had')
  })

  test('takes an aggregate apart', async () => {
    await using plane = await open({}, [
      { name: 'all', kind: 'aggregate', upstreams: [], members: [{ group_id: 1, weight: 1 }] },
    ])
    const { candidates, attempt } = explain(plane, { group: 'all' })
    assert.deepEqual([candidates.map(({ group }) => group), attempt?.group], [['g'], 'g'])
  })

  test('sends no credential of the caller to the upstream, and needs none', async () => {
    await using plane = await open()
    const headers: [string, string][] = [['Authorization', `${bearer}`]]
    const { attempt } = explain(plane, { access_key_id: null, headers })
    assert.deepEqual(
      attempt?.headers.filter(([name]) => name.toLowerCase() === 'authorization').length,
      1,
      'the key alone',
    )
  })
})
