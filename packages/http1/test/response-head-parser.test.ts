import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { isRefused, refusalStatuses } from '../src/http1-error.ts'
import { ResponseHeadParser } from '../src/response-head-parser.ts'
import { badResponses, goodResponses } from './corpus.ts'
import { readResponse } from './read-message.ts'

const bytesOf = (text: string): Buffer => Buffer.from(text, 'latin1')
const parsed = (text: string, isHeadRequest = false): ResponseHeadParser => {
  const parser = new ResponseHeadParser()
  parser.isHeadRequest = isHeadRequest
  assert.ok(parser.parse(bytesOf(text), 0) > 0, parser.refusal)
  return parser
}

suite('heads of answers', () => {
  for (const [name, framing, isKeepAlive] of [
    ['a length', 'length', true],
    ['chunks', 'chunked', true],
    ['the end of the connection', 'close', false],
    ['HTTP/1.0', 'length', false],
    ['HTTP/1.0 kept alive', 'length', true],
    ['no content', 'none', true],
    ['not modified', 'none', true],
    ['early hints', 'none', true],
    ['a close', 'length', false],
  ] as const)
    test(`framing of ${name} (RFC 9112 6.3)`, () => {
      const parser = parsed(goodResponses[name]!)
      assert.deepEqual([parser.framing, parser.isKeepAlive], [framing, isKeepAlive])
    })

  test('an answer to HEAD has no body, whatever its head describes', () => {
    for (const name of ['a length', 'chunks', 'the end of the connection'])
      assert.equal(parsed(goodResponses[name]!, true).framing, 'none')
  })

  test('status and reason are given as they came, bytes above 0x7f included', () => {
    const parser = parsed(goodResponses['a reason above 0x7f']!)
    assert.deepEqual([parser.status, parser.reason], [404, 'Nicht gefunden \xfc\x80'])
    assert.deepEqual(
      [parsed(goodResponses['no reason']!).reason, parsed(goodResponses['an empty reason']!).reason],
      ['', ''],
    )
  })

  test('1xx are told apart from the answer', () => {
    assert.ok(parsed(goodResponses['early hints']!).isInformational)
    assert.ok(!parsed(goodResponses['a length']!).isInformational)
  })

  test('a connection is not used again behind a body where none may be', () => {
    assert.ok(!parsed('HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n').isKeepAlive)
    assert.ok(!parsed('HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n').isKeepAlive)
  })

  for (const [name, [code, text]] of Object.entries(badResponses))
    test(`refuses ${name}`, () => {
      const parser = new ResponseHeadParser()
      assert.equal(parser.parse(bytesOf(text), 0), isRefused)
      assert.equal(parser.refusal, code)
    })

  test('heads and header counts are bounded', () => {
    const refusal = (text: string) => {
      const parser = new ResponseHeadParser({ maxHeadBytes: 1_024, maxHeaders: 4 })
      return parser.parse(bytesOf(text), 0) === isRefused ? parser.refusal : ''
    }
    assert.equal(refusal(`HTTP/1.1 200 OK\r\n${'X: y\r\n'.repeat(4)}\r\n`), '')
    assert.equal(refusal(`HTTP/1.1 200 OK\r\n${'X: y\r\n'.repeat(5)}\r\n`), 'too_many_headers')
    assert.equal(refusal(`HTTP/1.1 200 ${'a'.repeat(2_000)}`), 'head_too_large')
  })

  test('reads the same wherever the bytes are cut', () => {
    const texts = [...Object.values(goodResponses), ...Object.values(badResponses).map(([, text]) => text)]
    fc.assert(
      fc.property(
        fc.constantFrom(...texts),
        fc.array(fc.nat(300), { maxLength: 12 }),
        fc.boolean(),
        (text, at, isDribbled) => {
          const bytes = bytesOf(`${text}\r\n\r\n`)
          const whole = readResponse(bytes)
          const places = isDribbled ? Array.from({ length: bytes.length }, (_, index) => index) : at
          const cuts = places.filter((cut) => cut < bytes.length).sort((a, b) => a - b)
          const pieces = readResponse(bytes, cuts)
          if (whole.outcome === 'complete') assert.deepEqual(pieces, whole)
          else
            assert.equal(pieces.outcome in refusalStatuses, true, `${whole.outcome}, but in pieces ${pieces.outcome}`)
        },
      ),
      { numRuns: 2_000 },
    )
  })
})
