import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { patchJsonObject } from '../src/json-patch.ts'
import { decode, encode } from './json-cuts.ts'
import { jsonObjectText, jsonText } from './json-arbitraries.ts'

const patch = (text: string, replacements: Record<string, string>): string | null => {
  const patched = patchJsonObject(encode(text), replacements)
  return patched === null ? null : decode(patched)
}

const replacementNames = fc.constantFrom('model', 'stream', 'm"odel', 'new', '__proto__', '')
const replacements = fc.dictionary(replacementNames, jsonText, { noNullPrototype: true })

test('the patched text parses to the members of the old one with the replacements over them', () => {
  fc.assert(
    fc.property(jsonObjectText, replacements, (text, values) => {
      const patched = patch(text, values)
      assert.notEqual(patched, null)
      const expected = new Map(Object.entries(JSON.parse(text) as object))
      for (const [name, value] of Object.entries(values)) expected.set(name, JSON.parse(value))
      assert.deepEqual(new Map(Object.entries(JSON.parse(patched!) as object)), expected)
    }),
    { numRuns: 3_000 },
  )
})

test('null exactly when the text is not one well-formed object', () => {
  const isObject = (text: string): boolean => {
    try {
      const value: unknown = JSON.parse(text)
      return typeof value === 'object' && value !== null && !Array.isArray(value)
    } catch {
      return false
    }
  }
  const mutated = fc
    .tuple(
      jsonObjectText,
      fc.nat(),
      fc.constantFrom('', '"', '\\', '{', '}', ',', ':', '1', 'e', '\u0001', ' ', '0', '.'),
    )
    .map(([text, at, piece]) => {
      const position = at % (text.length + 1)
      return text.slice(0, position) + piece + text.slice(position + (at % 2))
    })
  fc.assert(
    fc.property(fc.oneof(mutated, jsonText, fc.string()), (text) => {
      assert.equal(patch(text, { a: '1' }) !== null, isObject(text), text)
    }),
    { numRuns: 5_000 },
  )
})

test('keeps order, number text, escapes and blanks of everything else', () => {
  const text = '{ "z" : 1.50e+3 ,\n"model":"a", "\\u0061":"\\u00e9\\/", "n":12345678901234567890 }\n'
  assert.equal(
    patch(text, { model: '"b"' }),
    '{ "z" : 1.50e+3 ,\n"model":"b", "\\u0061":"\\u00e9\\/", "n":12345678901234567890 }\n',
  )
})

test('replaces every duplicate and names written with escapes', () => {
  assert.equal(
    patch('{"model":1,"x":2,"\\u006dodel":{"a":[]}}', { model: '"b"' }),
    '{"model":"b","x":2,"\\u006dodel":"b"}',
  )
})

test('appends absent members in order, also to an empty object and before trailing blanks', () => {
  assert.equal(patch('{}', { a: '1', b: '[]' }), '{"a":1,"b":[]}')
  assert.equal(patch('{ }', { a: '1' }), '{"a":1 }')
  assert.equal(patch('{"x":1 \n}', { a: 'null' }), '{"x":1,"a":null \n}')
  assert.equal(patch('{"x":1}', { x: '2', a: '3' }), '{"x":2,"a":3}')
})

test('nested members of the same name are not touched', () => {
  assert.equal(
    patch('{"a":{"model":1},"b":[{"model":2}]}', { model: '3' }),
    '{"a":{"model":1},"b":[{"model":2}],"model":3}',
  )
})

test('returns the very bytes when there is nothing to replace, and keeps a byte order mark', () => {
  const bytes = encode('{"a":1}')
  assert.equal(patchJsonObject(bytes, {}), bytes)
  assert.equal(patch('\uFEFF{"a":1}', { a: '2' }), '\uFEFF{"a":2}')
})

test('nesting cannot hide a member: 100,000 levels are walked', () => {
  const deep = `{"x":${'['.repeat(100_000)}${']'.repeat(100_000)},"model":"a"}`
  assert.equal(patch(deep, { model: '"b"' })?.endsWith('"model":"b"}'), true)
})
