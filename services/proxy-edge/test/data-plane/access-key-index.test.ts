import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import { adminAccessKeyId } from '@gpt-load/contracts/entity-id'
import { AccessKeyIndex, type NumberedAccessKey } from '../../src/data-plane/plan/access-key-index.ts'

const pepper = randomBytes(32)
const nowMs = 1_000

function record(id: number, token: string, change: Partial<NumberedAccessKey> = {}): NumberedAccessKey {
  const hash = createHash('sha256').update(pepper).update(token).digest('base64')
  const rest = { name: `key ${id}`, enabled: true, expires_at: 0, all_groups: true, group_ids: [], default_group_id: 0 }
  return { ...rest, id, hash, limitNumber: -1, ...change } as NumberedAccessKey
}

function indexOf(...records: NumberedAccessKey[]): AccessKeyIndex {
  const index = new AccessKeyIndex()
  index.setPepper(pepper.toString('base64'))
  for (const each of records) index.put(each)
  return index
}

/** Twice: the second answer is a remembered one. */
function findTwice(index: AccessKeyIndex, token: string, now = nowMs): number | null {
  const first = index.find(token, now)?.id ?? null
  assert.equal(index.find(token, now)?.id ?? null, first)
  return first
}

describe('access keys of a request', () => {
  test('are found by their token, and by nothing that resembles it', () => {
    const index = indexOf(record(1, 'sk-one'), record(2, 'sk-two'))
    assert.equal(findTwice(index, 'sk-one'), 1)
    assert.equal(findTwice(index, 'sk-two'), 2)
    for (const token of ['', 'sk-on', 'sk-onf', 'sk-one ', 'sk-one\0', 'sk-onę', 'ks-one', 'sk-oneo', 'x'.repeat(513)])
      assert.equal(findTwice(index, token), null, token)
  })

  test('are found among more than are remembered', () => {
    const tokens = Array.from({ length: 5_000 }, (_, n) => `sk-${n}`)
    const index = indexOf(...tokens.map((token, n) => record(n + 1, token)))
    for (let round = 0; round < 2; round += 1)
      for (const [n, token] of tokens.entries()) assert.equal(index.find(token, nowMs)?.id, n + 1)
  })

  test('are no longer found from the moment on in which they are removed, disabled, changed or expire', () => {
    const index = indexOf(record(1, 'sk-one'), record(2, 'sk-two', { expires_at: nowMs + 1 }), record(3, 'sk-three'))
    for (const token of ['sk-one', 'sk-two', 'sk-three']) findTwice(index, token)
    index.remove(1)
    assert.equal(findTwice(index, 'sk-one'), null)
    assert.equal(findTwice(index, 'sk-two', nowMs), 2)
    assert.equal(findTwice(index, 'sk-two', nowMs + 1), null)
    index.put(record(3, 'sk-three', { enabled: false }))
    assert.equal(findTwice(index, 'sk-three'), null)
    index.put(record(3, 'sk-other'))
    assert.equal(findTwice(index, 'sk-three'), null)
    assert.equal(findTwice(index, 'sk-other'), 3)
    index.clear()
    assert.equal(findTwice(index, 'sk-other'), null)
  })

  test('give way to the administrator with the same token, and come back after him', () => {
    const index = indexOf(record(1, 'sk-same'))
    assert.equal(findTwice(index, 'sk-same'), 1)
    index.put(record(adminAccessKeyId, 'sk-same'))
    assert.equal(findTwice(index, 'sk-same'), adminAccessKeyId)
    index.remove(adminAccessKeyId)
    assert.equal(findTwice(index, 'sk-same'), 1)
  })

  test('of another pepper are not found', () => {
    const index = indexOf(record(1, 'sk-one'))
    assert.equal(findTwice(index, 'sk-one'), 1)
    index.setPepper(randomBytes(32).toString('base64'))
    assert.equal(findTwice(index, 'sk-one'), null)
  })
})
