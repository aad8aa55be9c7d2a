import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { PartialLine } from '../src/partial-line.ts'

const length = fc.oneof(fc.nat(50), fc.integer({ min: 4_000, max: 4_200 }), fc.nat(20_000), fc.constant(70_000))

test('lines in pieces of any size come out whole, one after the other, though the pieces’ memory is used again', () => {
  fc.assert(
    fc.property(fc.array(fc.array(length, { minLength: 1, maxLength: 6 }), { maxLength: 8 }), (lines) => {
      const partial = new PartialLine()
      for (const [index, lengths] of lines.entries()) {
        const pieces = lengths.map((bytes, piece) => Buffer.alloc(bytes, index * 7 + piece))
        const whole = Buffer.concat(pieces)
        const rest = pieces.pop()!
        for (const piece of pieces) {
          partial.push(piece)
          piece.fill(255)
        }
        assert.equal(partial.length, whole.length - rest.length)
        assert.ok(partial.end(rest).equals(whole))
        assert.equal(partial.length, 0)
      }
    }),
    { numRuns: 500 },
  )
})
