import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { closestName, editDistance } from '../src/suggestion.ts'

const names = ['name', 'channel', 'upstreams', 'keys', 'keys_file', 'test_model', 'validation_endpoint']

test('suggests what was probably meant and nothing else', () => {
  const expected = {
    nmae: 'name',
    chanel: 'channel',
    upstream: 'upstreams',
    testModel: 'test_model',
    'test-model': 'test_model',
    KEYS: 'keys',
    key: 'keys',
    weight: undefined,
    x: undefined,
    '': undefined,
  }
  for (const [name, suggestion] of Object.entries(expected)) assert.equal(closestName(name, names), suggestion, name)
})

test('counts insertions, deletions, replacements and swaps', () => {
  for (const [left, right, distance] of [
    ['', 'abc', 3],
    ['ab', 'ba', 1],
    ['kitten', 'sitting', 3],
    ['abc', 'abc', 0],
    ['ca', 'abc', 3],
  ] as const) {
    assert.equal(editDistance(left, right), distance)
  }
})

test('property: distance is symmetric, zero only for equals, never above the longer length', () => {
  const text = fc.string({ maxLength: 8 })
  fc.assert(
    fc.property(text, text, (left, right) => {
      const distance = editDistance(left, right)
      const isBounded = distance <= Math.max(left.length, right.length)
      return distance === editDistance(right, left) && (distance === 0) === (left === right) && isBounded
    }),
  )
})
