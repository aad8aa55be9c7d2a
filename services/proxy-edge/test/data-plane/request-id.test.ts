import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RequestIds } from '../../src/data-plane/observe/request-id.ts'

test('ids of a worker have one width and ascend, also where a digit is carried', () => {
  const ids = new RequestIds()
  // 62^2 and 2 * 62^2 are passed.
  const made = Array.from({ length: 8_000 }, () => ids.create())
  assert.ok(made.every((id) => /^[0-9A-Za-z]{21}$/.test(id)))
  assert.deepEqual(made.toSorted(), made)
  assert.equal(new Set(made.map((id) => id.slice(0, 15))).size, made.length)
})

test('an id does not tell its neighbour, nor a worker another one', () => {
  const [one, other] = [new RequestIds(), new RequestIds()]
  const made = Array.from({ length: 1_000 }, () => one.create())
  assert.ok(new Set(made.map((id) => id.slice(15))).size > 990)
  assert.ok(made.every((id) => id.startsWith(made[0]!.slice(0, 9))))
  assert.notEqual(other.create().slice(0, 9), made[0]!.slice(0, 9))
})

test('ids stay unique and whole when the counter comes to its end', () => {
  const before = 100
  const ids = new RequestIds(62 ** 6 - 1 - before)
  const made = Array.from({ length: 1_000 }, () => ids.create())
  assert.ok(made.every((id) => /^[0-9A-Za-z]{21}$/.test(id)))
  assert.equal(new Set(made.map((id) => id.slice(0, 15))).size, made.length)
  assert.notEqual(made[0]!.slice(0, 9), made.at(-1)!.slice(0, 9))
})
