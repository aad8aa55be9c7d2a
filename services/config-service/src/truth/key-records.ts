import { severityOf, type KeyState } from '@gpt-load/contracts/key-state'
import {
  maxKeysPerRecord,
  type KeyModelsRecord,
  type KeysRecord,
  type KeyStatesRecord,
} from '@gpt-load/contracts/snapshot'
import type { Keyring } from '@gpt-load/database/keyring'
import { openProviderKey } from '@gpt-load/database/row-secrets'

/** Rows -> records of keys and their facts. The rows' columns are named in the lists here, so every reader reads the same. */
export const factColumns = 'id, group_id, state, until, generation, failures'
export const keyColumns = `${factColumns}, weight, hash, secret`
export const modelColumns = 'key_id AS id, group_id, state, until, generation, failures, model'

export type FactRow = {
  id: number
  group_id: number
  state: KeyState
  until: number
  generation: number
  failures: number
}
export type KeyRow = FactRow & { weight: number; hash: Buffer; secret: Buffer }
export type ModelRow = FactRow & { model: string }

type Facts = [number, number, number, number, number]

export function keyStatesRecords(rows: readonly FactRow[]): KeyStatesRecord[] {
  return inRecords(rows).map((some) => ({ t: 'key_states', rows: some.map(factsOf) }))
}

export function keyModelsRecords(rows: readonly ModelRow[]): KeyModelsRecord[] {
  return inRecords(rows).map((some) => ({
    t: 'key_models',
    rows: some.map((row) => [...factsOf(row), row.model]),
  }))
}

/** One decryption per key; rows in one record belong to one group. */
export function keysRecords(keyring: Keyring, rows: readonly KeyRow[]): KeysRecord[] {
  return [...Map.groupBy(rows, ({ group_id }) => group_id)].flatMap(([groupId, ofGroup]) =>
    inRecords(ofGroup).map((some): KeysRecord => ({
      t: 'keys',
      group_id: groupId,
      rows: some.map((row) => [...factsOf(row), row.weight, openProviderKey(keyring, row.hash, row.secret)]),
    })),
  )
}

function factsOf(row: FactRow): Facts {
  return [row.id, severityOf[row.state], row.until, row.generation, row.failures]
}

function inRecords<Row>(rows: readonly Row[]): Row[][] {
  const records: Row[][] = []
  for (let start = 0; start < rows.length; start += maxKeysPerRecord)
    records.push(rows.slice(start, start + maxKeysPerRecord))
  return records
}
