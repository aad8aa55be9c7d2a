import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { isRefused, needsMore, refusalStatuses } from '../src/http1-error.ts'
import { RequestHeadParser } from '../src/request-head-parser.ts'
import { badRequests, goodRequests } from './corpus.ts'
import { readRequest } from './read-message.ts'

const bytesOf = (text: string): Buffer => Buffer.from(text, 'latin1')
const parsed = (text: string): RequestHeadParser => {
  const parser = new RequestHeadParser()
  assert.ok(parser.parse(bytesOf(text), 0) > 0, parser.refusal)
  return parser
}

suite('heads of requests', () => {
  test('method, target and pairs are given as they came, in order, case and number, blanks around values cut', () => {
    const parser = parsed(
      'GET /a//b/%2F%7e;x?y=%20&z HTTP/1.1\r\nHost: h\r\nX-B: 2\r\nx-a:\t 1 \t\r\nX-B:3\r\nX-N: M\xfc ller\r\n\r\n',
    )
    assert.deepEqual([parser.method, parser.target, parser.version], ['GET', '/a//b/%2F%7e;x?y=%20&z', '1.1'])
    assert.deepEqual(parser.rawHeaders, ['Host', 'h', 'X-B', '2', 'x-a', '1', 'X-B', '3', 'X-N', 'M\xfc ller'])
  })

  test('names that were seen before, or fall on the same place, are still given as they came', () => {
    const letters = [...'aAbBxX-_1']
    const name = fc.array(fc.constantFrom(...letters), { minLength: 1, maxLength: 70 }).map((parts) => parts.join(''))
    fc.assert(
      fc.property(fc.array(name, { minLength: 1, maxLength: 40 }), (names) => {
        const lines = names.map((each) => `${each}: v\r\n`).join('')
        const { rawHeaders } = parsed(`GET / HTTP/1.1\r\nHost: h\r\n${lines}\r\n`)
        assert.deepEqual(rawHeaders, ['Host', 'h', ...names.flatMap((each) => [each, 'v'])])
      }),
      { numRuns: 200 },
    )
  })

  for (const [name, length, isKeepAlive] of [
    ['the shortest', 0, true],
    ['HTTP/1.0 without Host', 0, false],
    ['HTTP/1.0 kept alive', 0, true],
    ['a body with a length', 5, true],
    ['a chunked body', -1, true],
    ['a close among others', 0, false],
  ] as const)
    test(`framing and keep-alive of ${name}`, () => {
      const parser = parsed(goodRequests[name]!)
      assert.deepEqual([parser.contentLength, parser.isKeepAlive], [length, isKeepAlive])
    })

  test('100 is expected only where a body follows, and never in HTTP/1.0', () => {
    const expecting = (line: string, length: number) =>
      parsed(`POST / HTTP/${line}\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: ${length}\r\n\r\n`)
        .expectsContinue
    assert.deepEqual([expecting('1.1', 3), expecting('1.1', 0), expecting('1.0', 3)], [true, false, false])
  })

  test('an upgrade needs both Upgrade and the option of Connection (RFC 9110 7.8)', () => {
    const upgrades = (...fields: string[]) =>
      parsed(`GET / HTTP/1.1\r\nHost: a\r\n${fields.join('\r\n')}\r\n\r\n`).isUpgrade
    assert.ok(upgrades('Connection: keep-alive , UPGRADE', 'Upgrade: websocket'))
    assert.ok(!upgrades('Upgrade: websocket'))
    assert.ok(!upgrades('Connection: upgrade'))
    assert.ok(!upgrades('Connection: x-upgrade', 'Upgrade: websocket'))
  })

  test('what a head says never reaches the next one', () => {
    const parser = new RequestHeadParser()
    for (const text of ['an upgrade', 'a chunked body with trailers', 'an expectation', 'a close among others'])
      parser.parse(bytesOf(goodRequests[text]!), 0)
    parser.parse(bytesOf('GET / HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\n\r\n'), 0)
    assert.equal(parser.isUpgrade, false)
    parser.parse(bytesOf(goodRequests['the shortest']!), 0)
    assert.deepEqual(
      [parser.contentLength, parser.isKeepAlive, parser.expectsContinue, parser.isUpgrade, parser.rawHeaders.length],
      [0, true, false, false, 2],
    )
  })

  test('heads that follow each other on a connection read as if each came alone, however like the last one', () => {
    const field = fc.constantFrom('Accept: */*', 'X-A:', 'X-A: 1', 'X-A: 12', 'Connection: close', 'X-B:\t2 ')
    const length = fc.constantFrom('', '0', '5', '7', '12', '120', '007', '1e1', '99999999999999999', '5 ', '5\t', '+5')
    const head = fc
      .tuple(
        fc.constantFrom(
          'POST /a HTTP/1.1',
          'POST /a?key=1 HTTP/1.1',
          'POST /b HTTP/1.1',
          'POST /a HTTP/1.0',
          'GET /a HTTP/1.1',
        ),
        fc.array(field, { maxLength: 2 }),
        length,
        fc.array(fc.oneof(field, fc.constant('Expect: 100-continue')), { maxLength: 2 }),
      )
      .map(([line, ahead, digits, behind]) =>
        [line, 'Host: h', ...ahead, ...(digits === '' ? [] : [`Content-Length: ${digits}`]), ...behind, '', ''].join(
          '\r\n',
        ),
      )
    const sameButDigits = fc
      .tuple(head, fc.array(length, { minLength: 1, maxLength: 5 }))
      .map(([text, lengths]) => [
        text,
        ...lengths.map((digits) => text.replace(/Content-Length: .*/, () => `Content-Length: ${digits}`)),
      ])
    const readBy = (parser: RequestHeadParser, text: string) => {
      const end = parser.parse(bytesOf(`${text}tail`), 0)
      if (end < 0) return { end, refusal: end === isRefused ? parser.refusal : '' }
      const { method, target, version, rawHeaders, contentLength, isKeepAlive, expectsContinue, isUpgrade } = parser
      const framing = [contentLength, isKeepAlive, expectsContinue, isUpgrade]
      return { end, method, target, version, rawHeaders, framing }
    }
    fc.assert(
      fc.property(fc.oneof(sameButDigits, fc.array(head, { minLength: 2, maxLength: 6 })), (heads) => {
        const parser = new RequestHeadParser()
        for (const text of heads) {
          const read = readBy(parser, text)
          assert.deepEqual(read, readBy(new RequestHeadParser(), text))
          if (read.end < 0) return
        }
      }),
      { numRuns: 5_000 },
    )
  })

  test('a head like the last one is no copy of it: texts and pairs are the same objects, and only its length is new', () => {
    const parser = parsed('POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nUser-Agent: someone\r\n\r\n')
    const { rawHeaders: first } = parser
    const again = (text: string): readonly string[] => {
      assert.ok(parser.parse(bytesOf(text), 0) > 0)
      return parser.rawHeaders
    }
    assert.equal(again('POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nUser-Agent: someone\r\n\r\n'), first)
    const longer = again('POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 123\r\nUser-Agent: someone\r\n\r\n')
    assert.deepEqual(longer, ['Host', 'h', 'Content-Length', '123', 'User-Agent', 'someone'])
    assert.deepEqual(first, ['Host', 'h', 'Content-Length', '5', 'User-Agent', 'someone'])
  })

  for (const [name, [code, text]] of Object.entries(badRequests))
    test(`refuses ${name}`, () => {
      const parser = new RequestHeadParser()
      assert.equal(parser.parse(bytesOf(text), 0), isRefused)
      assert.equal(parser.refusal, code)
      assert.ok(refusalStatuses[code] >= 400)
    })

  test('heads, header counts and targets are bounded', () => {
    const refusal = (text: string) => {
      const parser = new RequestHeadParser({ maxHeadBytes: 2_048, maxHeaders: 8, maxTargetBytes: 256 })
      return parser.parse(bytesOf(text), 0) === isRefused ? parser.refusal : ''
    }
    const fields = (count: number) => 'X: y\r\n'.repeat(count)
    assert.equal(refusal(`GET /${'a'.repeat(255)} HTTP/1.1\r\nHost: a\r\n\r\n`), '')
    assert.equal(refusal(`GET /${'a'.repeat(256)} HTTP/1.1\r\nHost: a\r\n\r\n`), 'target_too_long')
    assert.equal(refusal(`GET /${'a'.repeat(5_000)}`), 'target_too_long')
    assert.equal(refusal(`GET / HTTP/1.1\r\nHost: a\r\n${fields(7)}\r\n`), '')
    assert.equal(refusal(`GET / HTTP/1.1\r\nHost: a\r\n${fields(8)}\r\n`), 'too_many_headers')
    assert.equal(refusal(`GET / HTTP/1.1\r\nHost: a\r\nX: ${'a'.repeat(2_010)}\r\n\r\n`), '')
    assert.equal(refusal(`GET / HTTP/1.1\r\nHost: a\r\nX: ${'a'.repeat(2_020)}\r\n\r\n`), 'head_too_large')
  })

  test('a head over the bound is refused at the bound, also when it comes byte by byte', () => {
    const parser = new RequestHeadParser({ maxHeadBytes: 1_024, maxHeaders: 8, maxTargetBytes: 256 })
    const bytes = bytesOf(`GET / HTTP/1.1\r\nHost: a\r\nX: ${'a'.repeat(2_000)}`)
    let taken = 0
    while (parser.parse(bytes.subarray(taken, taken + 1), 0) === needsMore) taken += 1
    assert.equal(taken, 1_024)
    assert.equal(parser.refusal, 'head_too_large')
  })

  test('a wrong line end is refused at once, though the head never ends', () => {
    for (const text of ['GET / HTTP/1.1\r\nHost: a\n', 'GET / HTTP/1.1\r\nHost: a\rb', 'GET / HTTP/1.1\r\nX\0']) {
      const parser = new RequestHeadParser()
      assert.equal(parser.parse(bytesOf(text.slice(0, 9)), 0), needsMore)
      assert.equal(parser.parse(bytesOf(text.slice(9)), 0), isRefused, text)
    }
  })

  test('a head that dribbles in costs linear time: millions of pieces are read, which would take hours otherwise', () => {
    const length = 4_000_000
    const parser = new RequestHeadParser({ maxHeadBytes: 2 * length, maxHeaders: 8, maxTargetBytes: 256 })
    const bytes = bytesOf(`GET / HTTP/1.1\r\nHost: a\r\nX: ${'a'.repeat(length)}\r\n\r\n`)
    const deadline = performance.now() + 20_000
    for (let at = 0; at < bytes.length; at += 1) {
      parser.parse(bytes.subarray(at, at + 1), 0)
      if (at % 1_024 === 0) assert.ok(performance.now() < deadline, `${at} of ${bytes.length} pieces`)
    }
    assert.equal(parser.rawHeaders[3]!.length, length)
  })

  test('reads the same wherever the bytes are cut, and leaves what follows alone', () => {
    const texts = [...Object.values(goodRequests), ...Object.values(badRequests).map(([, text]) => text)]
    fc.assert(
      fc.property(
        fc.constantFrom(...texts),
        fc.array(fc.nat(400), { maxLength: 12 }),
        fc.boolean(),
        (text, at, isDribbled) => {
          // The end of a head behind all of it, so that a refusal comes in any case.
          const bytes = bytesOf(`${text}\r\n\r\nGET /next HTTP/1.1\r\n\r\n`)
          const whole = readRequest(bytes)
          const places = isDribbled ? Array.from({ length: bytes.length }, (_, index) => index) : at
          const cuts = places.filter((cut) => cut < bytes.length).sort((a, b) => a - b)
          const pieces = readRequest(bytes, cuts)
          if (whole.outcome === 'complete') assert.deepEqual(pieces, whole)
          else
            assert.equal(pieces.outcome in refusalStatuses, true, `${whole.outcome}, but in pieces ${pieces.outcome}`)
        },
      ),
      { numRuns: 2_000 },
    )
  })
})
