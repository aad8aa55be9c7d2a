import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { WeightedRotation } from '../../src/data-plane/plan/weighted-rotation.ts'

const weights = fc.array(fc.nat({ max: 20 }), { minLength: 1, maxLength: 8 }).filter((list) => list.some((w) => w > 0))

suite('weighted rotation', () => {
  test('gives each entry exactly its weight in every round', () => {
    fc.assert(
      fc.property(weights, (list) => {
        const rotation = new WeightedRotation(list)
        const total = list.reduce((sum, weight) => sum + weight, 0)
        for (let round = 0; round < 2; round += 1) {
          const counts = list.map(() => 0)
          for (let turn = 0; turn < total; turn += 1) counts[rotation.next(null)]! += 1
          assert.deepEqual(counts, list)
        }
      }),
    )
  })

  test('spreads 3:1 as A A B A', () => {
    const rotation = new WeightedRotation([3, 1])
    assert.deepEqual(
      [0, 0, 0, 0].map(() => rotation.next(null)),
      [0, 0, 1, 0],
    )
  })

  test('never chooses what is skipped or off; -1 when nothing is left', () => {
    fc.assert(
      fc.property(weights, fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }), (list, marks) => {
        const rotation = new WeightedRotation(list)
        const skipped = Uint8Array.from(marks, Number)
        const isFree = (index: number) => list[index]! > 0 && skipped[index] === 0
        for (let turn = 0; turn < 20; turn += 1) {
          const index = rotation.next(skipped)
          if (index === -1)
            assert.equal(
              list.some((_weight, at) => isFree(at)),
              false,
            )
          else assert.ok(isFree(index))
        }
      }),
    )
  })

  test('prefers what is not marked, and takes a marked one when there is no other', () => {
    const rotation = new WeightedRotation([1, 1])
    assert.equal(rotation.nextPreferring(Uint8Array.of(1, 0)), 1)
    assert.ok(rotation.nextPreferring(Uint8Array.of(1, 1)) >= 0)
    assert.equal(new WeightedRotation([0]).nextPreferring(Uint8Array.of(1)), -1)
  })
})
