import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseErrorRules, promoteRule } from '../src/error-rules.ts'
import { settingSchema } from '../src/settings-schema.ts'
import { settingsRegistry } from '../src/settings.ts'

test('rules are read line by line, with comments, times and words about retries', () => {
  const result = parseErrorRules(`
    # the relay's balance
    402 -> exhaust 6h
    403  account_deactivated -> invalidate   # for good
    5xx -> ignore no-retry
    observe 400 key_expired -> count retry
    * overloaded -> cool`)
  assert.ok(result.ok)
  const short = result.rules.map(({ from, to, code, action, forMs, isRetried, isObserved }) => [
    from,
    to,
    code,
    action,
    forMs,
    isRetried,
    isObserved,
  ])
  assert.deepEqual(short, [
    [402, 402, '', 'exhaust', 21_600_000, null, false],
    [403, 403, 'account_deactivated', 'invalidate', 0, null, false],
    [500, 599, '', 'ignore', 0, false, false],
    [400, 400, 'key_expired', 'count', 0, true, true],
    [0, 599, 'overloaded', 'cool', 0, null, false],
  ])
  assert.equal(result.rules[1]?.text, '403 account_deactivated -> invalidate')
  assert.deepEqual(parseErrorRules(' \n# nothing\n'), { ok: true, rules: [] })
})

test('what cannot be meant is refused with its line', () => {
  const refused: Record<string, RegExp> = {
    '402 exhaust': /line 1: write STATUS/,
    '402 a b -> exhaust': /line 1: write STATUS/,
    '\n\n99 -> ignore': /line 3: "99" is no status/,
    '503-500 -> ignore': /"503-500" is no status/,
    '402 -> drop': /"drop" is no action: use ignore, count/,
    '402 -> exhaust soon': /"soon" is no time/,
    '402 -> exhaust 400d': /"400d" is no time/,
    '401 -> invalidate 5m': /invalidate takes no time/,
    [`402 ${'x'.repeat(200)} -> ignore`]: /longer than 200/,
  }
  for (const [text, expected] of Object.entries(refused)) {
    const result = parseErrorRules(text)
    assert.match(result.ok ? '' : result.error, expected)
  }
})

test('no rule lets every caller take a key out', () => {
  for (const text of ['400 -> invalidate', '4xx -> cool', '* -> count', '422 -> exhaust 1m', '413-429 -> cool']) {
    const result = parseErrorRules(text)
    assert.match(result.ok ? '' : result.error, /every caller can provoke 4\d\d/, text)
  }
  for (const text of ['400 -> ignore', '400 API_KEY_INVALID -> invalidate', '401-403 -> count', '429 -> cool 10s'])
    assert.ok(parseErrorRules(text).ok, text)
})

test('the setting says what is wrong', () => {
  const { success, error } = settingSchema(settingsRegistry.error_rules).safeParse('400 -> cool')
  assert.equal(success, false)
  assert.match(error?.issues[0]?.message ?? '', /line 1: every caller can provoke 400/)
})

test('an observed rule is put in force where it stands; comments and other rules stay as they are', () => {
  const rules = '# the relay\n  observe  402 ->  exhaust 6h # asked for\n402 -> cool 1m\nobserve 5xx -> ignore'
  assert.equal(
    promoteRule(rules, 'observe 402 -> exhaust 6h'),
    '# the relay\n  402 ->  exhaust 6h # asked for\n402 -> cool 1m\nobserve 5xx -> ignore',
  )
  assert.equal(promoteRule(rules, '402 -> cool 1m'), null)
  assert.equal(promoteRule(rules, 'observe 403 -> ignore'), null)
})
