import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { keyHint } from '../src/key-hint.ts'
import { keyProblem, parseKeysText } from '../src/parse-keys-text.ts'

const keys = (text: string): string[] => parseKeysText(text).map(({ key }) => key)

test('reads keys between blanks, commas, semicolons and lines; # begins a comment line', () => {
  assert.deepEqual(keys('a b,c;d\n\n# x y\n  # z\ne\r\nf'), ['a', 'b', 'c', 'd', 'e', 'f'])
  assert.deepEqual(parseKeysText('a\n# c\nb'), [
    { line: 1, key: 'a' },
    { line: 3, key: 'b' },
  ])
})

test('a JSON array of strings is a list; an empty or mixed one is text', () => {
  assert.deepEqual(keys('["a b", " c "]'), ['a b', 'c'])
  assert.deepEqual(keys('[]'), ['[]'])
  assert.deepEqual(keys('["a", 1]'), ['["a"', '1]'])
})

test('reads any text without losing a word or throwing', () => {
  fc.assert(
    fc.property(fc.array(fc.stringMatching(/^[a-z0-9_-]{1,40}$/), { maxLength: 50 }), (words) => {
      assert.deepEqual(keys(words.join('\n')), words)
    }),
  )
  fc.assert(fc.property(fc.string(), (text) => void parseKeysText(text)))
})

test('says what is wrong with a key without quoting it', () => {
  assert.equal(keyProblem('sk-good'), null)
  assert.match(keyProblem('sk-\u0007bad') ?? '', /control characters/)
  assert.match(keyProblem('x'.repeat(5_000)) ?? '', /4,096/)
})

test('a hint shows never more than a third of a key', () => {
  assert.equal(keyHint('sk-abcdefghijklmnopqrstuvwxyz'), 'sk-a…wxyz')
  assert.equal(keyHint('short'), '…')
  fc.assert(
    fc.property(fc.string({ minLength: 1, maxLength: 200, unit: 'grapheme' }), (key) => {
      const shown = [...keyHint(key)].length - 1
      assert.ok(shown * 3 <= [...key].length)
    }),
  )
})
