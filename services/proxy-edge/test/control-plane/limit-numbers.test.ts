import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createPolicyDistributor } from '../../src/control-plane/policy-distributor.ts'
import { createRestingNumbers } from '../../src/control-plane/resting-numbers.ts'
import { createUpstreamSlots } from '../../src/control-plane/upstream-slots.ts'
import { maxLimitedAccessKeys } from '../../src/data-plane/caller-limits/caller-memory.ts'
import type { PolicyUpdate } from '../../src/worker-protocol.ts'
import { accessKeyRecord } from '../support/access-key-record.ts'

function open() {
  const opened: number[] = []
  const sent: PolicyUpdate[] = []
  const policies = createPolicyDistributor({
    openGroup: () => {},
    closeGroup: () => {},
    upstreamSlots: createUpstreamSlots(() => {}),
    openLimit: (number) => void opened.push(number),
    send: (update) => void sent.push(update),
  })
  /** Number that workers are told; undefined = they are told nothing of it. */
  const put = (id: number, max_requests_per_minute?: number, name?: string) => {
    policies.apply({
      ...accessKeyRecord(id, name),
      ...(max_requests_per_minute === undefined ? {} : { max_requests_per_minute }),
    })
    policies.flush(0)
    return sent.at(-1)?.accessKeys.find((record) => record.id === id)?.limitNumber
  }
  return { policies, opened, put }
}

suite('numbers of limited access keys', () => {
  test('only who has a limit has one, and keeps it while it has any', () => {
    const { policies, opened, put } = open()
    assert.equal(put(1), -1)
    assert.equal(put(2, 60), 0)
    assert.equal(put(3, 60), 1)
    assert.equal(put(2, 30, 'renamed'), 0)
    assert.deepEqual(opened, [0, 1], 'what was counted goes on counting')
    assert.deepEqual(
      [...policies.limitedAccessKeys()],
      [
        { id: 2, limitNumber: 0 },
        { id: 3, limitNumber: 1 },
      ],
    )
    assert.equal(put(2), -1)
    policies.apply({ t: 'removed', kind: 'access_key', ids: [3] })
    assert.deepEqual([...policies.limitedAccessKeys()], [])
    assert.equal(put(4, 1), 2, 'requests under way may still hold the others')
  })

  test('a number is given again as late as possible, and opened anew', () => {
    const { opened, put } = open()
    const numbers = new Set<number>()
    for (let turn = 0; turn < 200; turn += 1) {
      numbers.add(put(1, 5) ?? -1)
      put(1)
    }
    assert.ok(numbers.size > 60 && numbers.size < 70, `${numbers.size}`)
    assert.equal(opened.length, 200)
  })

  test('more than can be counted are not limited, and told of', () => {
    const { policies, put } = open()
    for (let id = 1; id <= maxLimitedAccessKeys; id += 1)
      policies.apply({ ...accessKeyRecord(id), max_requests_per_minute: 1 })
    assert.equal(policies.unlimited, 0)
    assert.equal(put(maxLimitedAccessKeys + 1, 1), -1)
    assert.equal(policies.unlimited, 1)
    put(maxLimitedAccessKeys + 1)
    assert.equal(policies.unlimited, 0)
  })

  test('when all are given there is none, until one is given back', () => {
    const numbers = createRestingNumbers(2)
    assert.deepEqual([numbers.take(), numbers.take(), numbers.take()], [0, 1, -1])
    numbers.giveBack(0)
    assert.deepEqual([numbers.take(), numbers.take()], [0, -1])
  })
})
