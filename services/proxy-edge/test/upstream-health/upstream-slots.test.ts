import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createUpstreamSlots } from '../../src/control-plane/upstream-slots.ts'

test('upstreams keep their place while their group has them; places are bounded and given again', () => {
  const freed: number[] = []
  const slots = createUpstreamSlots((slot) => freed.push(slot), 3)
  slots.keep(1, [11, 12])
  slots.keep(2, [21, 22])
  assert.deepEqual(
    [11, 12, 21, 22].map((id) => slots.slotOf(id)),
    [0, 1, 2, -1],
  )
  slots.keep(1, [12])
  assert.deepEqual([freed, slots.slotOf(11), slots.slotOf(12)], [[0], -1, 1])
  slots.keep(2, [21, 22])
  assert.equal(slots.slotOf(22), 0)
  slots.keep(2, [])
  slots.keep(1, [])
  assert.deepEqual([[...slots.entries()], freed.toSorted()], [[], [0, 0, 1, 2]])
})
