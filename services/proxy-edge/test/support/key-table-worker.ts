// A worker thread that uses the key table as the data plane does; told what by its workerData.

import { parentPort, workerData } from 'node:worker_threads'
import { openKeyTable } from '../../src/data-plane/key-table/open-key-table.ts'
import type { KeyTableHandles } from '../../src/data-plane/key-table/shared-columns.ts'
import { secretOf } from './key-rows.ts'

export type KeyTableWork = {
  handles: KeyTableHandles
  owner: number
  groups: number
  picks: number
  /** Share of picks that are followed by a change of the key's facts. */
  changeShare: number
}

export type KeyTableWorkResult = { counts: Map<number, number>; wrongSecrets: number; empty: number; applied: number }

const { handles, owner, groups, picks, changeShare } = workerData as KeyTableWork
const table = openKeyTable({ handles, owner })
const none = new Int32Array(0)
const result: KeyTableWorkResult = { counts: new Map(), wrongSecrets: 0, empty: 0, applied: 0 }

function change(slot: number, keyId: number): void {
  const { generation, failures } = table.facts(slot)
  const turn = Math.random()
  if (turn < 0.4) {
    const until = Date.now() + Math.floor(Math.random() * 60)
    if (table.apply(slot, keyId, { state: 'cooling', until, generation, failures })) result.applied += 1
  } else if (turn < 0.6) {
    if (table.apply(slot, keyId, { state: 'suspect', until: 0, generation, failures: failures + 1 }))
      result.applied += 1
  } else if (turn < 0.9) {
    if (table.apply(slot, keyId, { state: 'active', until: 0, generation, failures: 0 })) result.applied += 1
  } else {
    table.applyModel(slot, keyId, 'm', { state: 'cooling', until: Date.now() + 30, generation, failures: 0 })
  }
}

function pickOne(turn: number): void {
  const group = turn % groups
  const isSticky = changeShare > 0 && turn % 7 === 0
  const slot = isSticky ? table.pickSticky(group, turn, 'm', none, 0) : table.pick(group, '', none, 0)
  if (slot < 0) return void (result.empty += 1)
  const keyId = table.keyId(slot)
  const secret = table.secret(slot)
  // 0: vacated between the two reads.
  if (keyId !== 0 && secret !== '' && secret !== secretOf(keyId)) result.wrongSecrets += 1
  result.counts.set(keyId, (result.counts.get(keyId) ?? 0) + 1)
  if (keyId !== 0 && Math.random() < changeShare) change(slot, keyId)
}

parentPort?.once('message', () => {
  for (let turn = 0; turn < picks; turn += 1) pickOne(turn)
  parentPort?.postMessage(result)
})
parentPort?.postMessage('ready')
