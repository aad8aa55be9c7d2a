import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createSecretScrubber } from '../src/secret-scrubber.ts'

const scrub = (text: string) => createSecretScrubber().scrub(text)

test('masks what looks like a credential', () => {
  const expected = {
    'key sk-proj-abcdefgh123456 refused': 'key sk-[secret] refused',
    'sk-ant-api03-AbCdEf_12-34': 'sk-[secret]',
    AIzaSyA1234567890abcdef: 'AIza[secret]',
    'Authorization: Bearer abcdef123456': 'Authorization: Bearer [secret]',
    'GET https://x.test/v1?key=abc123&alt=sse': 'GET https://x.test/v1?key=[secret]&alt=sse',
    'https://x.test/?a=1&api_key=zzz#f': 'https://x.test/?a=1&api_key=[secret]#f',
    'connect mysql://root:hun@ter2@db:3306/x failed': 'connect mysql://root:[secret]@db:3306/x failed',
    'redis://:pass@r:6379/0': 'redis://:[secret]@r:6379/0',
    'dsn root:p@s/s@tcp(db:3306)/x': 'dsn root:[secret]@tcp(db:3306)/x',
    '{"x-api-key":"0123456789abcdef"}': '{"x-api-key":"[secret]"}',
    'body {\\"api_key\\":\\"0123456789\\"}': 'body {\\"api_key\\":\\"[secret]\\"}',
    'x-goog-api-key: 0123456789': 'x-goog-api-key: [secret]',
  }
  for (const [text, masked] of Object.entries(expected)) assert.equal(scrub(text), masked)
})

test('leaves ordinary text alone', () => {
  for (const text of [
    'group openai-main answered 200 in 12 ms',
    'https://api.openai.com:8443/v1/chat/completions?stream=true',
    'monkey=1 task-force 10:30@noon',
    'http://h:80/path?mail=a@b.c',
  ]) {
    assert.equal(scrub(text), text)
  }
})

test('masks registered values in their plain, JSON and URL forms', () => {
  const secret = 'pä"ss\\w/rd\n&x'
  const scrubber = createSecretScrubber({ known: [secret] })
  for (const form of [
    secret,
    JSON.stringify(secret),
    JSON.stringify(JSON.stringify({ secret })),
    encodeURIComponent(secret),
  ]) {
    const masked = scrubber.scrub(`<${form}>`)
    assert.ok(masked.includes('[secret]') && !masked.includes('ss') && !masked.includes('rd'), masked)
  }
})

test('overlapping secrets are masked whole', () => {
  const scrubber = createSecretScrubber({ known: ['abcdefgh', 'efghijkl', 'abcdef'] })
  assert.equal(scrubber.scrub('<abcdefghijkl>'), '<[secret]>')
})

test('refuses values too short to be masked by value', () => {
  const scrubber = createSecretScrubber()
  assert.equal(scrubber.add('short'), false)
  assert.equal(scrubber.scrub('short'), 'short')
})

test('keeps the values added last up to its bound, and the known ones always', () => {
  const scrubber = createSecretScrubber({ known: ['known-value'], maxSecrets: 2 })
  for (const value of ['first-value', 'second-value', 'second-value', 'third-value']) assert.ok(scrubber.add(value))
  assert.equal(
    scrubber.scrub('known-value first-value second-value third-value'),
    '[secret] first-value [secret] [secret]',
  )
  assert.equal(scrubber.evictedCount, 1)
})

test('a form shared by two secrets outlives the eviction of one', () => {
  const scrubber = createSecretScrubber({ maxSecrets: 2 })
  // The URL form of the first is the plain form of the second.
  scrubber.add('shared value')
  scrubber.add('shared%20value')
  scrubber.add('another-value')
  assert.equal(scrubber.scrub('shared%20value'), '[secret]')
})

test('property: no registered value comes out, whatever surrounds it', () => {
  const value = fc.string({ minLength: 6, maxLength: 40, unit: 'binary' }).filter((text) => !'[secret]'.includes(text))
  fc.assert(
    fc.property(
      fc.array(value, { minLength: 1, maxLength: 5 }),
      fc.array(fc.string(), { minLength: 6, maxLength: 6 }),
      (values, pieces) => {
        const scrubber = createSecretScrubber({ known: values })
        const text = values.map((secret, index) => pieces[index] + secret).join('') + pieces[5]
        const masked = scrubber.scrub(text)
        // What the mark itself spells together with its surroundings was not in the text.
        return values.every(
          (secret) => !masked.replaceAll('[secret]', '\0\0\0').includes(secret) || secret.includes('\0\0\0'),
        )
      },
    ),
    { numRuns: 500 },
  )
})

test('a hostile line costs time linear in its length', () => {
  const scrubber = createSecretScrubber({ known: ['aaaaaaaab'] })
  for (const unit of ['a', 'a:', '://a', 'password', '?key', 'a:b@', 'bearer ', '\\', 'sk-', ' a:']) {
    const startedMs = performance.now()
    scrubber.scrub(unit.repeat(200_000 / unit.length))
    assert.ok(performance.now() - startedMs < 2_000, `${unit} took ${performance.now() - startedMs} ms`)
  }
})
