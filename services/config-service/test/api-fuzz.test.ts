import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import fc, { type Arbitrary } from 'fast-check'
import type { Endpoint } from '@gpt-load/contracts/api/endpoint'
import { endpoints, operationIds, type OperationId } from '@gpt-load/contracts/api/endpoints'
import { commonProblems, problemMediaType } from '@gpt-load/contracts/api/problem-response'
import { problemCodes, problemSchema, type ProblemCode } from '@gpt-load/contracts/problem'
import { useMariadb } from '@gpt-load/testkit/servers/test-servers'
import { adminKey, openApi, type OpenedApi } from './support/open-api.ts'
import { dialectsOf } from './support/open-stores.ts'
import { hostileJson, spoiled, valuesOf } from './support/schema-arbitrary.ts'

/**
 * Whatever is sent, an endpoint answers as its entry in the table says: its schema, or a problem that it declares; never a 5xx. The
 * server checks its answers by their schemas here, so that a wrong one is a 500. `npm run fuzz` gives each endpoint its time.
 */
const casesPerEndpoint = 24
const settings = fc.readConfigureGlobal().numRuns === undefined ? { numRuns: casesPerEndpoint } : {}

type Case = {
  path: string
  query: string
  body: Body
  headers: Record<string, string>
}

const hostileText = fc.oneof(
  fc.constantFrom('', '0', '-1', '1e3', '99999999999999999999', '%00', '%ff', '%', 'null', 'x'.repeat(3_000), '\u0000'),
  fc
    .constantFrom('[1]', '["a"]', '[1,2,3]', '[9007199254740993]', '[-1,null]', '[1e308,1e308,1e308,1e308]')
    .map((json) => Buffer.from(json).toString('base64url')),
  fc.string(),
  fc.base64String(),
)

/** Ordinary values of one part of a request, and hostile ones among them. */
type Part<T> = { plain: Arbitrary<T>; hostile: Arbitrary<T> }

/** Segments of a path, beside ids that there are; a dot alone would be another path. */
function pathOf({ path }: Endpoint, ids: readonly number[]): Part<string> {
  const names = [...path.matchAll(/\{\w+\}/g)].map(([name]) => name)
  const fill = (segment: Arbitrary<string>) =>
    fc
      .tuple(...names.map(() => segment))
      .map((values) =>
        names.reduce((text, name, index) => text.replace(name, () => values[index] ?? ''), path as string),
      )
  const known = fc.constantFrom(...ids).map(String)
  const odd = fc.constantFrom('%ff', '%00', '0', '-1', '2147483648', '9007199254740993', 'request-1')
  return { plain: fill(known), hostile: fill(fc.oneof(known, odd, fc.string({ minLength: 1 }).map(encodeUnit))) }
}

function encodeUnit(text: string): string {
  const encoded = encodeURIComponent(text.toWellFormed())
  return /^\.*$/.test(encoded) ? 'dots' : encoded
}

function queryOf({ query }: Endpoint): Part<string> {
  const known = Object.entries(query.shape).map(([name, schema]) => {
    const values = valuesOf(schema as Parameters<typeof valuesOf>[0]).map((value) => String(value ?? ''))
    return { name: fc.constant(name), values }
  })
  const write = (pairs: Arbitrary<[string, string][]>) =>
    pairs.map((list) => {
      const text = list.map(([name, value]) => `${encodeUnit(name)}=${encodeUnit(value)}`).join('&')
      return text === '' ? '' : `?${text}`
    })
  const plain = known.map(({ name, values }) => fc.tuple(name, values))
  const hostile = [
    fc.tuple(fc.string(), hostileText),
    ...known.map(({ name }) => fc.tuple(name, hostileText)),
    ...plain,
  ]
  return {
    plain: plain.length === 0 ? fc.constant('') : write(fc.array(fc.oneof(...plain), { maxLength: 2 })),
    hostile: write(fc.array(fc.oneof(...hostile), { minLength: 1, maxLength: 4 })),
  }
}

type Body = string | Uint8Array | undefined

/** Bodies whose rules are more than a JSON Schema says: these are spoiled as well. */
const upstreams = [{ url: 'https://api.example.com', weight: 2 }]
const group = fc.stringMatching(/^[a-z0-9_-]{8,20}$/).map((name) => ({ name, channel: 'openai', upstreams }))
const config = group.map((one) => ({ config: { version: 1, groups: [one] }, owner: 'fuzz' }))
const examples: Partial<Record<OperationId, Arbitrary<unknown>>> = {
  createSession: fc.constant({ key: adminKey }),
  createGroup: group,
  updateGroup: fc.constantFrom({ description: 'x', settings: { max_retries: 1 } }, { header_rules: [], upstreams }),
  replaceUpstreams: fc.constant(upstreams),
  planConfig: config,
  applyConfig: config,
  validateKeys: fc.constantFrom({ filter: {} }, { filter: { state: ['active'] } }),
}

function bodyOf(id: OperationId): Part<Body> {
  const { body, upload }: Endpoint = endpoints[id]
  const broken: Arbitrary<Body> = fc.oneof(
    fc.constantFrom('{', '[1,', '{"a":1,}', 'sk-a\nsk-b', 'key\n"x', '\ufeff{}', ''),
    fc.uint8Array({ maxLength: 60 }),
  )
  if (upload !== null) {
    const keys = fc.array(fc.stringMatching(/^sk-[a-z0-9]{8,20}$/), { minLength: 1, maxLength: 5 })
    return { plain: keys.map((lines) => lines.join('\n')), hostile: fc.oneof(fc.string(), hostileJson, broken) }
  }
  if (body === null) return { plain: fc.constant(undefined), hostile: fc.constant(undefined) }
  const example = examples[id]
  const values = example === undefined ? valuesOf(body) : fc.oneof(valuesOf(body), example)
  return {
    plain: values.map((value) => JSON.stringify(value)),
    hostile: fc.oneof({ weight: 3, arbitrary: spoiled(values) }, { weight: 1, arbitrary: broken }),
  }
}

function headersOf(endpoint: Endpoint): Part<Record<string, string>> {
  const usual = endpoint.upload?.[0] ?? 'application/json'
  const types = [
    usual,
    ...(endpoint.upload ?? []),
    'text/plain',
    'application/merge-patch+json',
    'x',
    'multipart/form-data',
  ]
  const tags = ['*', '"1"', 'W/"1"', '"x"', '', '"99999999999999999999"', '"1", "2"', '*, "1"', '1']
  const address = fc.ipV4()
  const plain: Record<string, Arbitrary<string>> = {
    'content-type': fc.constant(usual),
    'x-forwarded-for': address,
    ...(endpoint.needsIfMatch ? { 'if-match': fc.constant('*') } : {}),
  }
  const hostile = {
    'content-type': fc.constantFrom(...types, 'application/json; charset=latin1'),
    'x-forwarded-for': address,
    'if-match': fc.constantFrom(...tags),
    'idempotency-key': fc.constantFrom('a', 'b', 'x'.repeat(300), ' ', '\u00ff'),
    'content-encoding': fc.constantFrom('identity', 'gzip'),
  }
  return {
    plain: fc.record(plain),
    // Without a type, fetch names one of its own.
    hostile: fc.record(hostile, { requiredKeys: ['content-type', 'x-forwarded-for'] }),
  }
}

/** Hostile in one part, in all, or in none: what is refused for one reason never comes to the next. */
function casesOf(id: OperationId, ids: readonly number[]): Arbitrary<Case> {
  const endpoint: Endpoint = endpoints[id]
  const parts = {
    path: pathOf(endpoint, ids),
    query: queryOf(endpoint),
    body: bodyOf(id),
    headers: headersOf(endpoint),
  }
  const caseOf = (isHostile: (part: keyof Case) => boolean): Arbitrary<Case> =>
    fc.record({
      path: parts.path[isHostile('path') ? 'hostile' : 'plain'],
      query: parts.query[isHostile('query') ? 'hostile' : 'plain'],
      body: parts.body[isHostile('body') ? 'hostile' : 'plain'],
      headers: parts.headers[isHostile('headers') ? 'hostile' : 'plain'],
    })
  const one = (['path', 'query', 'body', 'headers'] as const).map((hostile) => caseOf((part) => part === hostile))
  return fc.oneof(
    { weight: 4, arbitrary: caseOf(() => false) },
    ...one.map((arbitrary) => ({ weight: 2, arbitrary })),
    { weight: 1, arbitrary: caseOf(() => true) },
  )
}

const idempotencyProblems: readonly ProblemCode[] = [
  'idempotency_in_progress',
  'idempotency_replay',
  'idempotency_mismatch',
]

async function check({ url }: OpenedApi, id: OperationId, { path, query, body, headers }: Case): Promise<void> {
  const endpoint: Endpoint = endpoints[id]
  const answer = await fetch(`${url}${path}${query}`, {
    method: endpoint.method,
    headers: { authorization: `Bearer ${adminKey}`, ...headers },
    ...(body === undefined ? {} : { body: body as string }),
  })
  // Such a stream ends when its reader leaves.
  const isEndless = answer.ok && endpoint.download === 'text/event-stream'
  const text = isEndless ? '' : await answer.text()
  if (isEndless) await answer.body?.cancel()
  const place = `${endpoint.method} ${path}${query} -> ${answer.status} ${text.slice(0, 500)}`
  if (answer.ok) {
    assert.equal(answer.status, endpoint.response.status, place)
    if (endpoint.response.schema !== null) endpoint.response.schema.parse(JSON.parse(text))
    return
  }
  assert.ok(answer.headers.get('content-type')?.startsWith(problemMediaType), place)
  const problem = problemSchema.parse(JSON.parse(text))
  assert.equal(problemCodes[problem.code].status, answer.status, place)
  assert.ok(answer.status < 500, place)
  const ofKey = endpoint.idempotency === 'ignored' ? [] : idempotencyProblems
  const declared: readonly ProblemCode[] = [...commonProblems, ...endpoint.problems, ...ofKey]
  assert.ok(declared.includes(problem.code), `${problem.code} is not declared: ${place}`)
}

/** A few of each kind, anew for each endpoint: others have deleted and renamed them. */
async function addSamples({ call }: OpenedApi, round: number): Promise<number[]> {
  const post = (path: string, body: object) => call(`/api/v1/${path}`, { method: 'POST', body })
  const upstreams = [{ url: 'http://127.0.0.1:9' }]
  const { body: group } = await post('groups', { name: `sample-${round}`, channel: 'openai', upstreams })
  const members = [{ group_id: group.id, weight: 1 }]
  const aggregate = { name: `sample-all-${round}`, channel: 'openai', kind: 'aggregate', members }
  const keys = [`sk-sample-${round}-aaaaaaaa`, `sk-sample-${round}-bbbbbbbb`]
  await post(`groups/${group.id}/keys`, { keys })
  const listed = await call(`/api/v1/groups/${group.id}/keys`)
  const others = [
    await post('groups', aggregate),
    await post('access-keys', { name: `sample-${round}` }),
    await post('admin-tokens', { name: `sample-${round}`, scopes: ['read'] }),
    await post(`groups/${group.id}/keys/restore`, { filter: {} }),
  ].map(({ body }) => body)
  return [group, ...listed.body.items, ...others].map(({ id }) => id)
}

for (const [name, connect] of Object.entries(dialectsOf(useMariadb()))) {
  describe(`hostile input on ${name}`, () => {
    let api: OpenedApi
    before(async () => {
      api = await openApi(await connect(), {
        trustedProxies: ['127.0.0.1'],
        probeSender: { send: async () => ({ isAnswered: false, reason: 'nobody is asked here' }) },
      })
    })
    after(() => api[Symbol.asyncDispose]())

    for (const [round, id] of operationIds.entries())
      test(`${id} answers what its entry declares`, async () => {
        const ids = await addSamples(api, round)
        await fc.assert(
          fc.asyncProperty(casesOf(id, ids), (one) => check(api, id, one)),
          settings,
        )
      })
  })
}
