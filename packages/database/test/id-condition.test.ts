import assert from 'node:assert/strict'
import { test } from 'node:test'
import { idCondition } from '../src/id-condition.ts'

test('ids without a gap are a range in any order, others a list, none match nothing', () => {
  assert.deepEqual(idCondition('id', [7, 5, 6]), { where: 'id BETWEEN ? AND ?', values: [5, 7] })
  assert.deepEqual(idCondition('key_id', [5, 7]), { where: 'key_id IN (?,?)', values: [5, 7] })
  assert.deepEqual(idCondition('id', []), { where: '1 = 0', values: [] })
})
