import assert from 'node:assert/strict'
import { test } from 'node:test'
import { collectGarbage } from '../src/collect-garbage.ts'

test('what nobody holds any more is given back at once', () => {
  const megabytes = () => process.memoryUsage().heapUsed / 1_048_576
  const before = megabytes()
  let held: unknown[] | null = Array.from({ length: 500_000 }, (_, index) => ({ index, text: `number ${index}` }))
  assert.ok(megabytes() - before > 20, `${held.length} objects`)
  held = null
  collectGarbage()
  assert.ok(megabytes() - before < 10)
  assert.equal((globalThis as { gc?: unknown }).gc, undefined)
})
