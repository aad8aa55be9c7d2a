import assert from 'node:assert/strict'
import { test } from 'node:test'
import { renderCodeFrame } from '../src/code-frame.ts'
import { masked } from '../src/secret-ranges.ts'

test('shows two lines before and one after with aligned numbers', () => {
  const lines = Array.from({ length: 12 }, (_, index) => `line ${index + 1}`)
  assert.equal(
    renderCodeFrame(lines, { line: 10, column: 6 }, 2),
    '   8 | line 8\n   9 | line 9\n> 10 | line 10\n     |      ^^\n  11 | line 11',
  )
  assert.equal(renderCodeFrame(lines, { line: 1, column: 1 }, 0), '> 1 | line 1\n    | ^\n  2 | line 2')
})

test('a long line is cut around the place', () => {
  const frame = renderCodeFrame([`${'a'.repeat(5_000)}HERE${'b'.repeat(5_000)}`], { line: 1, column: 5_001 }, 4)
  const [line = '', caret = ''] = frame.split('\n')
  assert.ok(line.length < 120)
  assert.equal(line.indexOf('HERE'), caret.indexOf('^^^^'))
})

test('tabs and control characters keep one column and do nothing to a terminal', () => {
  const frame = renderCodeFrame(['\t\u001b[31mx\r'], { line: 1, column: 7 }, 1)
  assert.equal(frame, '> 1 |  ?[31mx\n    |       ^')
})

test('masking keeps lines and columns, also for ranges that overlap', () => {
  assert.equal(
    masked('ab\ncdef', [
      [4, 6],
      [1, 5],
      [2, 3],
    ]),
    'a*\n***f',
  )
})
