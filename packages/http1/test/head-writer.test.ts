import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { chunkBytes, lastChunkBytes, requestBytes, responseBytes } from '../src/head-writer.ts'
import { HttpDate } from '../src/http-date.ts'
import { UnwritableHeadError } from '../src/http1-error.ts'
import { readRequest, readResponse } from './read-message.ts'

const body = Buffer.from('{"a":1}')

suite('heads that we write', () => {
  test('a request, its length and its body are one buffer', () => {
    assert.equal(
      requestBytes('POST', '/a?b', ['Host', 'h', 'X-N', 'M\xfcller'], 7, body).toString('latin1'),
      'POST /a?b HTTP/1.1\r\nHost: h\r\nX-N: M\xfcller\r\nContent-Length: 7\r\n\r\n{"a":1}',
    )
  })

  test('a chunked request frames its first bytes', () => {
    const text = requestBytes('POST', '/', ['Host', 'h'], -1, body).toString()
    assert.equal(text, 'POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n{"a":1}\r\n')
    assert.ok(requestBytes('POST', '/', ['Host', 'h'], -1, null).toString().endsWith('chunked\r\n\r\n'))
  })

  test('no body is said where one is usual, and only there (RFC 9110 8.6)', () => {
    const isSaid = (method: string) => requestBytes(method, '/', ['Host', 'h'], 0, null).includes('Content-Length: 0')
    assert.deepEqual(['POST', 'PUT', 'PATCH', 'GET', 'HEAD', 'DELETE'].map(isSaid), [
      true,
      true,
      true,
      false,
      false,
      false,
    ])
  })

  test('an answer gets what was asked for and nothing else', () => {
    assert.equal(
      responseBytes(200, 'OK', ['A', 'b'], true, 'close', 'D', body).toString(),
      'HTTP/1.1 200 OK\r\nA: b\r\nDate: D\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n{"a":1}\r\n',
    )
    const bare = responseBytes(204, '', [], false, '', '', null).toString()
    assert.equal(bare, 'HTTP/1.1 204 \r\n\r\n')
  })

  test('chunks and trailers', () => {
    assert.equal(chunkBytes(Buffer.alloc(17, 97)).toString(), `11\r\n${'a'.repeat(17)}\r\n`)
    assert.equal(chunkBytes(Buffer.alloc(0)).length, 0)
    assert.equal(lastChunkBytes().toString(), '0\r\n\r\n')
    assert.equal(lastChunkBytes(['X', 'y']).toString(), '0\r\nX: y\r\n\r\n')
  })

  for (const bad of ['a\rb', 'a\nb', 'a\r\nX: y', 'a\0', 'a\x1f', 'a\u010ab', '\u000d\u010aX: y'])
    test(`${JSON.stringify(bad)} is never written`, () => {
      for (const write of [
        () => requestBytes('POST', '/', ['Host', bad], 7, body),
        () => requestBytes('POST', '/', ['Host', 'h', bad, 'x'], 0, null),
        () => requestBytes('POST', `/${bad}`, ['Host', 'h'], 7, body),
        () => responseBytes(200, bad, [], false, '', '', null),
        () => responseBytes(200, 'OK', ['X', `\t${bad}`], true, '', '', body),
        () => lastChunkBytes(['X', bad]),
      ])
        assert.throws(write, UnwritableHeadError)
    })

  test('a blank in a target or method, or none of either, is never written', () => {
    assert.throws(() => requestBytes('GET', '/a HTTP/1.1', [], 0, null), UnwritableHeadError)
    assert.throws(() => requestBytes('GET /a', '/', [], 0, null), UnwritableHeadError)
    assert.throws(() => requestBytes('GET', '', [], 0, null), UnwritableHeadError)
    assert.throws(() => responseBytes(Number.NaN, '', [], false, '', '', null), UnwritableHeadError)
  })

  test('tabs in values are written', () => {
    assert.ok(requestBytes('GET', '/', ['Host', 'h', 'X', 'a\tb'], 0, null).includes('a\tb'))
  })

  const name = fc.stringMatching(/^X-[!#-'*+.0-9A-Z^-z|~-]{0,12}$/)
  const value = fc.stringMatching(/^(?:[!-~\x80-\xff](?:[\t -~\x80-\xff]{0,30}[!-~\x80-\xff])?)?$/)
  const pairs = fc.array(fc.tuple(name, value), { maxLength: 20 }).map((all) => all.flat())
  const payload = fc.uint8Array({ minLength: 1, maxLength: 60 }).map((bytes) => Buffer.from(bytes))

  test('what is written is read back the same', () => {
    fc.assert(
      fc.property(pairs, payload, fc.boolean(), (raw, bytes, isChunked) => {
        const end = isChunked ? lastChunkBytes() : Buffer.alloc(0)
        const request = requestBytes('POST', '/x', ['Host', 'h', ...raw], isChunked ? -1 : bytes.length, bytes)
        const message = readRequest(Buffer.concat([request, end]))
        assert.equal(message.outcome, 'complete')
        assert.equal(message.body, bytes.toString('latin1'))
        assert.deepEqual(message.rawHeaders.slice(2, -2), raw)
        const headers = isChunked ? raw : ['Content-Length', String(bytes.length), ...raw]
        const answer = responseBytes(200, 'Fine \xff', headers, isChunked, '', '', bytes)
        const read = readResponse(Buffer.concat([answer, end]))
        assert.deepEqual([read.outcome, read.status, read.reason], ['complete', 200, 'Fine \xff'])
        assert.equal(read.body, bytes.toString('latin1'))
      }),
    )
  })

  test('Date is made once a second', () => {
    let nowMs = 1_800_000_000_999
    const date = new HttpDate(() => nowMs)
    assert.equal(date.text, 'Fri, 15 Jan 2027 08:00:00 GMT')
    nowMs += 1
    assert.equal(date.text, 'Fri, 15 Jan 2027 08:00:01 GMT')
  })
})
