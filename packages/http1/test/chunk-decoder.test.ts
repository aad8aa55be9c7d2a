import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { ChunkDecoder } from '../src/chunk-decoder.ts'
import { isRefused, needsMore } from '../src/http1-error.ts'
import { badChunks } from './corpus.ts'

const bytesOf = (text: string): Buffer => Buffer.from(text, 'latin1')

suite('chunked bodies', () => {
  test('a read of several chunks gives one piece of payload, and the offset behind the body', () => {
    const decoder = new ChunkDecoder()
    const bytes = bytesOf('3\r\nabc\r\n4;x="y;\\"z"\r\ndefg\r\n00\r\nX-Sum: 7\r\n\r\nnext')
    assert.equal(decoder.decode(bytes, 0), bytes.length - 4)
    assert.equal(bytes.toString('latin1', decoder.dataStart, decoder.dataEnd), 'abcdefg')
    assert.deepEqual(decoder.rawTrailers, ['X-Sum', '7'])
  })

  test('a read of one chunk is not moved', () => {
    const decoder = new ChunkDecoder()
    const bytes = bytesOf('5\r\nhello\r\n')
    assert.equal(decoder.decode(bytes, 0), needsMore)
    assert.deepEqual([decoder.dataStart, decoder.dataEnd, bytes.toString()], [3, 8, '5\r\nhello\r\n'])
  })

  test('large chunks are handed on by themselves where they lie, small ones together, in order', () => {
    const large = 'x'.repeat(5_000)
    const text = `3\r\nabc\r\n4;a=b\r\ndefg\r\n1388\r\n${large}\r\n1\r\nh\r\n0\r\nx: y\r\n\r\n`
    const bytes = bytesOf(`${text}next`)
    const decoder = new ChunkDecoder()
    const pieces: Buffer[] = []
    assert.equal(decoder.decodePieces(bytes, 0, { onChunk: (payload) => void pieces.push(payload) }), text.length)
    assert.deepEqual(pieces.map(String), ['abcdefg', large, 'h'])
    assert.deepEqual(decoder.rawTrailers, ['x', 'y'])
    const start = pieces[1]!.byteOffset - bytes.byteOffset
    assert.equal(bytes.toString('latin1', start - 6, start), '1388\r\n')
    assert.equal(bytes.toString('latin1', start + large.length, text.length), text.slice(start + large.length))
  })

  test('thirteen digits are a size, 2^52 - 1', () => {
    const decoder = new ChunkDecoder()
    assert.equal(decoder.decode(bytesOf('fffffffffffff\r\nabc'), 0), needsMore)
    assert.equal(decoder.dataEnd - decoder.dataStart, 3)
  })

  for (const [name, [code, text]] of Object.entries(badChunks)) {
    test(`refuses ${name}`, () => {
      const decoder = new ChunkDecoder()
      assert.equal(decoder.decode(bytesOf(text), 0), isRefused)
      assert.equal(decoder.refusal, code)
    })
    test(`refuses ${name}, byte by byte and in pieces`, () => {
      const decoder = new ChunkDecoder()
      let answer = needsMore
      for (let at = 0; at < text.length && answer === needsMore; at += 1)
        answer = decoder.decodePieces(bytesOf(text[at]!), 0, { onChunk: () => {} })
      assert.equal(answer, isRefused)
      assert.equal(decoder.refusal, code)
    })
  }

  test('any payload in any chunks, cut anywhere, comes out as it went in', () => {
    const small = fc.uint8Array({ minLength: 1, maxLength: 40 })
    const large = fc.integer({ min: 4_000, max: 5_000 }).map((length) => new Uint8Array(length).fill(length & 255))
    const chunk = fc.tuple(
      fc.oneof({ weight: 4, arbitrary: small }, { weight: 1, arbitrary: large }),
      fc.constantFrom('', ';a', ';a=b;c="d\\e f"'),
    )
    const trailers = fc.array(fc.constantFrom('X-A: b\r\n', 'x-sum:\t1 \r\n'), { maxLength: 3 })
    fc.assert(
      fc.property(
        fc.array(chunk, { maxLength: 8 }),
        trailers,
        fc.array(fc.oneof(fc.nat(500), fc.nat(20_000)), { maxLength: 20 }),
        fc.boolean(),
        (chunks, fields, at, isInPieces) => {
          const frames = chunks.flatMap(([payload, extension]) => [
            bytesOf(`${payload.length.toString(16)}${extension}\r\n`),
            payload,
            bytesOf('\r\n'),
          ])
          const body = Buffer.concat([...frames, bytesOf(`0\r\n${fields.join('')}\r\n`)])
          const bytes = Buffer.concat([body, bytesOf('0\r\n\r\n')])
          const decoder = new ChunkDecoder()
          const payload: Buffer[] = []
          let end = needsMore
          let start = 0
          for (const cut of [...at.filter((cut) => cut < body.length).sort((a, b) => a - b), bytes.length]) {
            const piece = Buffer.from(bytes.subarray(start, cut))
            if (isInPieces) end = decoder.decodePieces(piece, 0, { onChunk: (part) => void payload.push(part) })
            else {
              end = decoder.decode(piece, 0)
              payload.push(piece.subarray(decoder.dataStart, decoder.dataEnd))
            }
            if (end !== needsMore) break
            start = cut
          }
          assert.equal(start + end, body.length)
          assert.deepEqual(Buffer.concat(payload), Buffer.concat(chunks.map(([part]) => part)))
          assert.equal(decoder.rawTrailers.length, fields.length * 2)
        },
      ),
      { numRuns: 1_000 },
    )
  })
})
