import assert from 'node:assert/strict'
import { once } from 'node:events'
import { suite, test, type TestContext } from 'node:test'
import { Worker } from 'node:worker_threads'
import { createSystemClock } from '@gpt-load/service-kit/clock'
import { createKeyTable, type KeyTableWriter } from '../../src/data-plane/key-table/key-table-writer.ts'
import { checkKeyTable } from '../support/check-key-table.ts'
import { keyRow, keyRows, stateRow } from '../support/key-rows.ts'
import type { KeyTableWork, KeyTableWorkResult } from '../support/key-table-worker.ts'

const workerFile = new URL('../support/key-table-worker.ts', import.meta.url)

type Work = Omit<KeyTableWork, 'handles' | 'owner'>

async function startWorkers(t: TestContext, writer: KeyTableWriter, count: number, work: Work) {
  const workers = Array.from({ length: count }, (_value, index) => {
    const workerData: KeyTableWork = { handles: writer.handles, owner: index + 2, ...work }
    return new Worker(workerFile, { workerData })
  })
  t.after(() => Promise.all(workers.map((worker) => worker.terminate())))
  await Promise.all(workers.map((worker) => once(worker, 'message')))
  const results = workers.map(async (worker) => (await once(worker, 'message'))[0] as KeyTableWorkResult)
  for (const worker of workers) worker.postMessage('go')
  return { workers, results: Promise.all(results) }
}

suite('key table between threads', () => {
  test('two workers share one rotation: each key within 1 % over 100,000 picks', async (t) => {
    for (const keys of [10, 333]) {
      const writer = createKeyTable({ clock: createSystemClock() })
      writer.putKeys(0, keyRows(1, keys), 'merge')
      const { results } = await startWorkers(t, writer, 2, { groups: 1, picks: 50_000, changeShare: 0 })
      const counts = new Map<number, number>()
      for (const result of await results) {
        for (const [id, count] of result.counts) counts.set(id, (counts.get(id) ?? 0) + count)
      }
      const fair = 100_000 / keys
      assert.equal(counts.size, keys)
      for (const count of counts.values()) assert.ok(Math.abs(count - fair) <= Math.max(1, fair * 0.01), `${count}`)
    }
  })

  test('no ring entry is lost or doubled while workers change keys and the main thread adds and removes', async (t) => {
    const writer = createKeyTable({ clock: createSystemClock() })
    const groups = 3
    for (let group = 0; group < groups; group += 1) writer.putKeys(group, keyRows(group * 10_000 + 1, 400), 'merge')
    const { results } = await startWorkers(t, writer, 3, { groups, picks: 60_000, changeShare: 0.3 })
    let isDone = false
    void results.then(() => (isDone = true))
    for (let round = 0; !isDone; round += 1) {
      changeRound(writer, groups, round)
      await new Promise((resolve) => setImmediate(resolve))
    }
    const all = await results
    assert.deepEqual(
      all.map(({ wrongSecrets }) => wrongSecrets),
      [0, 0, 0],
      'no request saw the secret of another key',
    )
    assert.ok(all.every(({ applied }) => applied > 1_000))
    writer.tick()
    checkKeyTable(writer, groups)
    const { lockSteals, lockTimeouts } = writer.stats()
    assert.deepEqual({ lockSteals, lockTimeouts }, { lockSteals: 0, lockTimeouts: 0 })
  })

  test('a worker that is ended in mid-work leaves a table that is whole after recovery', async (t) => {
    const writer = createKeyTable({ clock: createSystemClock() })
    writer.putKeys(0, keyRows(1, 5_000), 'merge')
    const { workers } = await startWorkers(t, writer, 2, { groups: 1, picks: 100_000_000, changeShare: 0.9 })
    for (let round = 0; round < 20; round += 1) {
      writer.tick()
      await new Promise((resolve) => setImmediate(resolve))
    }
    await Promise.all(workers.map((worker) => worker.terminate()))
    for (const owner of [2, 3]) writer.recoverFrom(owner)
    writer.tick()
    writer.putKeys(0, keyRows(6_000, 10), 'merge')
    checkKeyTable(writer, 1)
    assert.equal(writer.table.count(0), 5_010)
  })
})

function changeRound(writer: KeyTableWriter, groups: number, round: number): void {
  const group = round % groups
  const from = group * 10_000 + 1_000 + (round % 90) * 50
  writer.putKeys(group, keyRows(from, 50), 'merge')
  const id = group * 10_000 + 1 + (round % 400)
  writer.putStates([stateRow(id, { generation: round })], 'merge')
  writer.putKeys(group, [keyRow(id, { generation: round })], 'merge')
  if (round % 3 === 0) writer.removeKeys(Array.from({ length: 50 }, (_value, index) => from + index))
  if (round % 5 === 0) writer.tick()
}
