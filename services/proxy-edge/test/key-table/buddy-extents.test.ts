import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { createBuddyExtents } from '../../src/data-plane/key-table/buddy-extents.ts'

type Extent = { offset: number; size: number }

function open() {
  let words = 0
  const extents = createBuddyExtents((grown) => {
    assert.ok(grown > words, 'only ever grows')
    words = grown
  })
  return { extents, end: () => words }
}

describe('buddy extents', () => {
  test('never overlap, begin at a multiple of their length and lie in what there is, in any order of taking and giving', () => {
    const step = fc.oneof(
      fc.record({ take: fc.integer({ min: 0, max: 10 }) }),
      fc.record({ give: fc.nat({ max: 1_000 }) }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const { extents, end } = open()
        const held: Extent[] = []
        for (const each of steps) {
          if ('take' in each) held.push({ offset: extents.allocate(each.take), size: each.take })
          else if (held.length > 0) {
            const [{ offset, size }] = held.splice(each.give % held.length, 1) as [Extent]
            extents.giveBack(offset, size)
          }
          const sorted = held.toSorted((a, b) => a.offset - b.offset)
          for (const [at, { offset, size }] of sorted.entries()) {
            assert.equal(offset % 2 ** size, 0)
            assert.ok(offset + 2 ** size <= (sorted[at + 1]?.offset ?? end()))
          }
          assert.equal(
            extents.usedWords,
            held.reduce((sum, { size }) => sum + 2 ** size, 0),
          )
        }
      }),
    )
  })

  test('what was given back, in whatever pieces, is one extent again', () => {
    const { extents, end } = open()
    const offsets = Array.from({ length: 64 }, () => extents.allocate(4))
    for (const offset of offsets.toSorted((a, b) => ((a * 37) % 1_024) - ((b * 37) % 1_024)))
      extents.giveBack(offset, 4)
    assert.equal(extents.allocate(10), 0)
    assert.equal(end(), 1_024)
  })

  test('a ring and an index that double take half more than they need in the end', () => {
    const { extents, end } = open()
    let ring = extents.allocate(4)
    let index = extents.allocate(4)
    for (let size = 5; size <= 20; size += 1) {
      const larger = extents.allocate(size)
      extents.giveBack(ring, size - 1)
      ring = larger
      extents.giveBack(index, size - 1)
      index = extents.allocate(size)
    }
    assert.ok(end() <= 2 ** 20 * 3)
  })
})
