import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { maxJsonDepth, parseJson } from '../../src/http/parse-json.ts'

function place(text: string): string {
  const result = parseJson(text)
  return result.ok ? 'ok' : `${result.line}:${result.column}`
}

test('names line and column of the first mistake, also where the engine names none', () => {
  assert.equal(place('{"a": x}'), '1:7')
  assert.equal(place('{\n  "a": 1,\n}'), '3:1')
  assert.equal(place('[1, 2'), '1:6')
  assert.equal(place('{"a" 1}'), '1:6')
  assert.equal(place('{"a": 01}'), '1:8')
  assert.equal(place('"line\nbreak"'), '1:1')
  assert.equal(place('true false'), '1:6')
  assert.equal(place('nul'), '1:1')
})

test('accepts exactly what JSON.parse accepts, with the same value', () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      assert.deepEqual(parseJson(text), { ok: true, value: JSON.parse(text) as unknown })
    }),
  )
})

test('never throws, and a refusal points into the text (any text, damaged JSON)', () => {
  const damaged = fc.tuple(fc.json(), fc.nat(), fc.string({ maxLength: 3 })).map(([text, at, insertion]) => {
    const place = at % (text.length + 1)
    return text.slice(0, place) + insertion + text.slice(place)
  })
  fc.assert(
    fc.property(fc.oneof(fc.string(), damaged), (text) => {
      const result = parseJson(text)
      if (result.ok) return
      const lines = text.split('\n')
      assert.ok(result.line >= 1 && result.line <= lines.length)
      assert.ok(result.column >= 1 && result.column <= (lines[result.line - 1] ?? '').length + 1)
    }),
  )
})

test('refuses nesting that a recursive schema would not survive, and does so at once', () => {
  const deep = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)
  assert.equal(parseJson(deep(maxJsonDepth)).ok, true)
  assert.equal(parseJson(deep(maxJsonDepth + 1)).ok, false)
  assert.equal(parseJson(deep(500_000)).ok, false)
  assert.equal(parseJson(JSON.stringify(deep(500))).ok, true)
})

test('a refusal never quotes the text', () => {
  const result = parseJson('{"key": sk-secret}')
  assert.ok(!result.ok && !JSON.stringify(result).includes('sk-secret'))
})
