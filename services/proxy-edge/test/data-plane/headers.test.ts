import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import type { HeaderRule } from '@gpt-load/contracts/group-shape'
import { passResponseHeaders } from '../../src/data-plane/headers/response-headers.ts'
import {
  findHeader,
  hasHeader,
  removeHeader,
  setHeader,
  toHeaderValue,
} from '../../src/data-plane/headers/raw-headers.ts'
import { compileHeaderRules, type HeaderVariables } from '../../src/data-plane/plan/header-rules.ts'
import { passRequestHeaders } from '../../src/data-plane/shape/shape-headers.ts'

const name = fc.constantFrom(
  'X-A',
  'x-a',
  'X-B',
  'Cookie',
  'Connection',
  'Authorization',
  'TE',
  'Accept',
  'x-forwarded-for',
)
const pairs = fc
  .array(fc.tuple(name, fc.constantFrom('1', 'two', 'x-a', 'close', 'keep-alive, X-B')), { maxLength: 12 })
  .map((list) => list.flat())
const lower = (raw: readonly string[]) =>
  raw.filter((_part, index) => index % 2 === 0).map((part) => part.toLowerCase())
const variables: HeaderVariables = {
  clientAddress: '10.0.0.1',
  groupName: 'g',
  secret: 'sk-secret',
  requestId: 'r-1',
  model: 'm \u00fc\r\n',
  accessKeyName: '${API_KEY}',
}

function rendered(value: string): string {
  const headers: string[] = []
  compileHeaderRules([{ key: 'X', value, action: 'set' }]).apply(headers, variables)
  return headers[1]!
}

suite('raw headers', () => {
  test('set leaves exactly one of that name, in the place of the first, and all others as they were', () => {
    fc.assert(
      fc.property(pairs, (raw) => {
        const changed = [...raw]
        setHeader(changed, 'X-A', 'x-a', 'new')
        assert.equal(lower(changed).filter((other) => other === 'x-a').length, 1)
        assert.equal(findHeader(changed, 'x-a'), 'new')
        const at = lower(raw).indexOf('x-a')
        if (at !== -1) assert.equal(lower(changed).indexOf('x-a'), at)
        const rest = [...changed]
        removeHeader(rest, 'x-a')
        const expected = [...raw]
        removeHeader(expected, 'x-a')
        assert.deepEqual(rest, expected)
        assert.equal(hasHeader(rest, 'x-a'), false)
      }),
    )
  })

  test('text becomes bytes that are legal in a value', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const value = toHeaderValue(text)
        assert.match(value, /^[\t\x20-\x7e\x80-\xff]*$/)
        if (/^[\t\x20-\x7e]*$/.test(text)) assert.equal(value, text)
      }),
    )
    assert.equal(Buffer.from(toHeaderValue('\u00fc\u20ac'), 'latin1').toString('utf8'), '\u00fc\u20ac')
  })
})

suite('header roles', () => {
  test('a request keeps end-to-end headers in order, drops hop-by-hop ones and what Connection names (RFC 9110 7.6.1)', () => {
    fc.assert(
      fc.property(pairs, fc.boolean(), (raw, passesClientHeaders) => {
        const passed = passRequestHeaders(raw, { host: 'up.test', passesClientHeaders, dropsEncoding: false })
        assert.deepEqual(passed.slice(0, 2), ['Host', 'up.test'])
        const named = raw.flatMap((part, index) =>
          index % 2 === 0 && part === 'Connection' ? raw[index + 1]!.toLowerCase().split(/, /) : [],
        )
        const never = ['connection', 'te', 'authorization', ...named]
        if (!passesClientHeaders) never.push('cookie', 'x-forwarded-for')
        const expected = raw.filter((_part, index) => !never.includes(raw[index & ~1]!.toLowerCase()))
        assert.deepEqual(passed.slice(2), expected)
      }),
    )
  })

  test('an answer keeps everything end-to-end, with duplicates, and masks the key', () => {
    const raw = [
      'Set-Cookie',
      'a=1',
      'set-cookie',
      'b=2',
      'Connection',
      'X-Hop',
      'x-hop',
      '1',
      'X-Key',
      'is sk-secret!',
    ]
    assert.deepEqual(passResponseHeaders(raw, 'sk-secret'), [
      'Set-Cookie',
      'a=1',
      'set-cookie',
      'b=2',
      'X-Key',
      'is s*******t!',
    ])
    assert.deepEqual(passResponseHeaders(['A', 'b'], ''), ['A', 'b'])
  })
})

suite('header rules', () => {
  test('are expanded once: what a variable brings is not expanded again', () => {
    assert.equal(rendered('${ACCESS_KEY_NAME}'), '${API_KEY}')
    assert.equal(rendered('a${API_KEY}b${GROUP_NAME}${CLIENT_IP}${REQUEST_ID}'), 'ask-secretbg10.0.0.1r-1')
  })

  test('leave unknown variables as they are written', () => {
    for (const text of ['${NOPE}', '${}', '$API_KEY', '${api_key}', '${API_KEY', '$${GROUP_NAME}'])
      assert.equal(rendered(text), text === '$${GROUP_NAME}' ? '$g' : text)
  })

  test('make legal values of everything, line breaks included', () => {
    assert.match(rendered('${MODEL}'), /^m \xc3\xbc {2}$/)
    assert.match(rendered('\u20ac'), /^\xe2\x82\xac$/)
  })

  test('give times in ms and in s', () => {
    const before = Date.now()
    const [ms, s] = rendered('${TIMESTAMP_MS}|${TIMESTAMP_S}').split('|').map(Number)
    assert.ok(ms! >= before && ms! <= Date.now())
    assert.ok(Math.abs(s! * 1_000 - ms!) <= 1_000)
  })

  test('never touch framing, and never take Host away', () => {
    const rules = ['Content-Length', 'transfer-encoding', 'Connection', 'TE', 'Expect', 'Upgrade'].flatMap(
      (key): HeaderRule[] => [
        { key, value: '1', action: 'set' },
        { key, value: '', action: 'remove' },
      ],
    )
    const headers = ['Host', 'h', 'Content-Length', '5']
    compileHeaderRules([...rules, { key: 'host', value: '', action: 'remove' }]).apply(headers, variables)
    assert.deepEqual(headers, ['Host', 'h', 'Content-Length', '5'])
  })

  test('are applied in order', () => {
    const headers = ['A', '1', 'a', '2']
    const rules: HeaderRule[] = [
      { key: 'a', value: '', action: 'remove' },
      { key: 'B', value: '3', action: 'set' },
      { key: 'A', value: '4', action: 'set' },
    ]
    compileHeaderRules(rules).apply(headers, variables)
    assert.deepEqual(headers, ['B', '3', 'A', '4'])
  })
})
