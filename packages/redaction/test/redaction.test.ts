import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { defaultRedactionRules, maxRedactionRules, parseRedactionRules } from '@gpt-load/contracts/redaction-rules'
import { compilePattern } from '../src/compile-pattern.ts'
import { compileRedaction, type Redact } from '../src/compile-redaction.ts'
import { redactEventStream } from '../src/redact-event-stream.ts'

function redactBy(rules: string): Redact {
  const result = compileRedaction(rules)
  return result.ok ? result.redact : assert.fail(result.error)
}

describe('redaction', () => {
  test('takes out keys, tokens, cards and addresses by the ready-made rules', () => {
    const redact = redactBy(defaultRedactionRules)
    const cases: [string, string][] = [
      ['call me at jane.doe+x@mail.example.co.uk.', 'call me at [email].'],
      ['{"key":"sk-proj-0123456789abcdefghij"}', '{"key":"[api_key]"}'],
      ['gpl_0123456789abcdef0123', '[api_key]'],
      ['AIzaSyA0123456789012345678901234567890', '[api_key]'],
      ['Authorization: Bearer abcdef.0123456789', 'Authorization: Bearer [api_key]'],
      ['eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P', '[api_key]'],
      ['AKIAIOSFODNN7EXAMPLE', '[api_key]'],
      ['4111 1111 1111 1111 and 5500-0000-0000-0004, 378282246310005', '[card] and [card], [card]'],
    ]
    for (const [text, expected] of cases) assert.equal(redact(text), expected)
  })

  test('leaves numbers that are no cards, and text that is nothing', () => {
    const redact = redactBy(defaultRedactionRules)
    for (const text of [
      '4111 1111 1111 1112',
      '1732612345678',
      'a task-list of one',
      'me@home',
      '12345678901234567890123',
    ])
      assert.equal(redact(text), text)
  })

  test('applies own expressions in their order, and comments are none', () => {
    const redact = redactBy('# names\n/jane \\w+/i\n\nemail')
    assert.equal(redact('JANE Doe <jane@example.com>'), '[redacted] <[email]>')
  })

  test('refuses what it does not understand, what is too large and what would match everywhere', () => {
    const wrong: [string, RegExp][] = [
      ['emails', /line 1: write api_key, card, email/],
      ['email\n//', /line 2/],
      [`/${'a'.repeat(201)}/`, /longer than 200/],
      [Array.from({ length: maxRedactionRules + 1 }, () => 'email').join('\n'), /20 rules at most/],
      ['/(?=a)b/', /cannot be used/],
      ['/(a)\\1/', /cannot be used/],
      ['/[/', /cannot be used/],
      ['/.{1000}/', /too large/],
      ['/a*/', /everywhere/],
    ]
    for (const [rules, expected] of wrong) {
      const result = compileRedaction(rules)
      assert.match(result.ok ? 'accepted' : result.error, expected, rules)
    }
  })

  test('takes time in proportion to the text, whatever the expression', () => {
    for (const source of ['(a*)*b', '(a|aa)+$', '(x+x+)+y', '^(([a-z])+.)+[A-Z]([a-z])+$']) {
      const result = compilePattern({ source, isCaseInsensitive: false })
      if (!result.ok) continue
      const startedMs = performance.now()
      result.pattern.replaceAll(`${'a'.repeat(20_000)}!`, '')
      assert.ok(performance.now() - startedMs < 2_000, `${source}: ${performance.now() - startedMs} ms`)
    }
  })

  test('keeps ready-made rules fast on text that is made against them', () => {
    const redact = redactBy(defaultRedactionRules)
    for (const text of ['a', 'a@', 'eyJ-', 'sk-', '4 ', 'a.', 'Bearer  ', 'x@y.']) {
      const startedMs = performance.now()
      redact(text.repeat(Math.ceil(262_144 / text.length)))
      assert.ok(performance.now() - startedMs < 2_000, `${text}: ${performance.now() - startedMs} ms`)
    }
  })
})

describe('redaction of event streams', () => {
  const redact = redactBy(defaultRedactionRules)
  const event = (content: string) => `data: ${JSON.stringify({ id: 'c-1', choices: [{ delta: { content } }] })}\n\n`
  const contents = (stream: string) =>
    stream
      .split('\n')
      .filter((line) => line.startsWith('data: {'))
      .map((line) => JSON.parse(line.slice(6)).choices[0].delta.content as string)

  test('sees what is spread over events', () => {
    const stream = [...['write to ', 'bo', 'b@exam', 'ple.c', 'om, ', 'please'].map(event), 'data: [DONE]\n\n'].join('')
    const redacted = redactEventStream(stream, redact)
    assert.deepEqual(contents(redacted), ['write to ', '[email]', '', '', ', ', 'please'])
    assert.ok(redacted.endsWith('data: [DONE]\n\n'))
  })

  test('leaves a stream as it is when there is nothing in it', () => {
    const stream = `event: message\r\n${event('hello').replaceAll('\n', '\r\n')}: ping\r\n\r\ndata: {"cut`
    assert.equal(redactEventStream(stream, redact), stream)
  })

  test('redacts a text in pieces as it does the whole', () => {
    const word = fc.constantFrom('a@b.example', ' ', 'x', 'sk-0123456789abcdef0', '4111111111111111', '😀', 'é', '\n')
    fc.assert(
      fc.property(fc.array(word, { maxLength: 12 }), fc.array(fc.nat(6), { maxLength: 40 }), (words, cuts) => {
        const text = words.join(' ')
        const pieces: string[] = []
        let at = 0
        for (const cut of cuts) {
          pieces.push(text.slice(at, at + cut))
          at += cut
        }
        pieces.push(text.slice(at))
        const redacted = redactEventStream(pieces.map(event).join(''), redact)
        assert.equal(contents(redacted).join(''), redact(text))
      }),
    )
  })
})

test('rules name the line that is wrong', () => {
  const result = parseRedactionRules('email\nno such')
  assert.equal(result.ok ? '' : result.error.startsWith('line 2: '), true)
})
