import { adminAccessKeyId } from '@gpt-load/contracts/entity-id'
import { maxDeltaBytes, type MetaRecord, type SnapshotRecord } from '@gpt-load/contracts/snapshot'
import type { SqlRunner } from '@gpt-load/database/sql-runner'
import { readTouches, touchedIn, type Touch, type Touched } from './change-log.ts'
import { lateStages, type DeltaCursor, type LateStage } from './delta-cursor.ts'
import { batchesAfter, idsOf } from './id-ranges.ts'
import {
  factColumns,
  keyColumns,
  keyModelsRecords,
  keysRecords,
  keyStatesRecords,
  modelColumns,
  type FactRow,
  type KeyRow,
  type ModelRow,
} from './key-records.ts'
import {
  readAccessKeyRecords,
  readAdminKeyRecords,
  readGroupIds,
  readGroupRecords,
  readSettingsRecord,
  selectIn,
  type RecordContext,
} from './policy-records.ts'
import { readPosition } from './read-position.ts'
import { createRecordBatch, type RecordBatch } from './record-batch.ts'
import { urgentKeys } from './urgent-keys.ts'

/**
 * What differs since a revision, as things are now: policies first, then facts of keys, then keys and removals, at most
 * `maxBytes` with a cursor to go on. Each answer is one consistent read together with the counter. A later answer sees a
 * later state, so it begins with what became urgent meanwhile: a revocation waits for one answer, also in an import of a
 * million keys. The last answer is the one that brings a whole round up to its own read, so the receiver's revision is
 * never behind what it was shown.
 */
export type DeltaRead =
  | { kind: 'unchanged' }
  | { kind: 'base_required' }
  | {
      kind: 'delta'
      epoch: string
      /** What the receiver has reached with this answer. */
      revision: number
      records: SnapshotRecord[]
      bytes: number
      cursor: DeltaCursor | null
    }

export type DeltaPlace = { epoch: string; since: number; cursor: DeltaCursor | null }

const idsPerBatch = 500

/** `sql` is a snapshot read (DatabaseHandle.readSnapshot). */
export async function readDelta(
  sql: SqlRunner,
  context: RecordContext,
  place: DeltaPlace,
  { nowMs, maxBytes = maxDeltaBytes }: { nowMs: number; maxBytes?: number },
): Promise<DeltaRead> {
  const now = await readPosition(sql)
  if (place.epoch !== now.epoch || place.since > now.revision) return { kind: 'base_required' }
  if (place.cursor === null && place.since === now.revision) return { kind: 'unchanged' }
  const first = place.cursor ?? startRound(place.since, now.revision, place.since)
  if (first.target > now.revision || first.since > first.target) return { kind: 'base_required' }
  const touches = await readTouches(sql, first.since, now.revision)
  if (touches === null) return { kind: 'base_required' }

  const reader = { sql, context, touches, groupIds: await readGroupIds(sql), batch: createRecordBatch(maxBytes) }
  await addPolicies(reader, touchedIn(touches, first.urgent, now.revision))
  const urgent = place.cursor === null ? now.revision : await addUrgentKeys(reader, first.urgent, now.revision)
  const { revision, cursor } = await addRounds(reader, first, now.revision, urgent)
  const meta: MetaRecord = { t: 'meta', epoch: now.epoch, revision, server_time_ms: nowMs }
  const { records, bytes } = reader.batch
  return { kind: 'delta', epoch: now.epoch, revision, records: [meta, ...records], bytes, cursor }
}

type Reader = {
  sql: SqlRunner
  context: RecordContext
  touches: readonly Touch[]
  groupIds: ReadonlySet<number>
  batch: RecordBatch
}

function startRound(since: number, target: number, urgent: number): DeltaCursor {
  return { since, target, urgent, stage: 'key_state', after: 0 }
}

async function addPolicies({ sql, context, batch }: Reader, touched: Touched): Promise<void> {
  if (touched.setting.length > 0) {
    const adminKey = await readAdminKeyRecords(sql, context)
    batch.add([await readSettingsRecord(sql, context)])
    batch.add(removed('access_key', [adminAccessKeyId], adminKey))
    batch.add(adminKey)
  }
  const groupIds = idsOf(touched.group)
  const groups = await readGroupRecords(sql, context, groupIds)
  const accessKeyIds = idsOf(touched.access_key)
  const accessKeys = await readAccessKeyRecords(sql, accessKeyIds)
  // Revocations before what they may have revoked; a group before the access keys that name it.
  batch.add(removed('access_key', accessKeyIds, accessKeys))
  batch.add(removed('group', groupIds, groups))
  batch.add(groups)
  batch.add(accessKeys)
}

async function addUrgentKeys(reader: Reader, since: number, to: number): Promise<number> {
  const urgent = urgentKeys(reader.touches, since, to)
  reader.batch.add(await readStates(reader, urgent.states))
  reader.batch.add(await readModels(reader, urgent.models))
  reader.batch.add(await readKeys(reader, urgent.keys))
  return urgent.to
}

/** Rounds until one is whole at this read, or the answer is full. */
async function addRounds(
  reader: Reader,
  first: DeltaCursor,
  newest: number,
  urgent: number,
): Promise<{ revision: number; cursor: DeltaCursor | null }> {
  let round: DeltaCursor = { ...first, urgent }
  for (;;) {
    const cursor = await addRound(reader, round)
    if (cursor !== null) return { revision: round.since, cursor }
    if (round.target === newest) return { revision: newest, cursor: null }
    round = startRound(round.target, newest, urgent)
  }
}

async function addRound(reader: Reader, round: DeltaCursor): Promise<DeltaCursor | null> {
  const touched = touchedIn(reader.touches, round.since, round.target)
  for (const stage of lateStages.slice(lateStages.indexOf(round.stage))) {
    let after = stage === round.stage ? round.after : 0
    for (const ids of batchesAfter(touched[stage], after, idsPerBatch)) {
      const records = await stageReaders[stage](reader, ids)
      if (!reader.batch.hasRoomFor(records)) return { ...round, stage, after }
      reader.batch.add(records)
      after = ids.at(-1) ?? after
    }
  }
  return null
}

type StageReader = (reader: Reader, ids: readonly number[]) => Promise<SnapshotRecord[]>
const stageReaders: Record<LateStage, StageReader> = {
  key_state: readStates,
  key_model: readModels,
  key: readKeys,
}

/** Ids without a row are announced where the whole key was touched. */
async function readStates({ sql, groupIds }: Reader, ids: readonly number[]): Promise<SnapshotRecord[]> {
  const rows = await selectIn<FactRow>(sql, `SELECT ${factColumns} FROM provider_keys`, 'id', ids, 'id')
  return keyStatesRecords(rows.filter(({ group_id }) => groupIds.has(group_id)))
}

async function readModels({ sql, groupIds }: Reader, ids: readonly number[]): Promise<SnapshotRecord[]> {
  const rows = await selectModels(sql, ids)
  return keyModelsRecords(rows.filter(({ group_id }) => groupIds.has(group_id)))
}

async function readKeys(reader: Reader, ids: readonly number[]): Promise<SnapshotRecord[]> {
  const { sql, context, groupIds } = reader
  const found = await selectIn<KeyRow>(sql, `SELECT ${keyColumns} FROM provider_keys`, 'id', ids, 'id')
  const rows = found.filter(({ group_id }) => groupIds.has(group_id))
  // The receiver ignores facts of keys that it does not hold, so deviations come again, after their key.
  const models = await selectModels(sql, ids)
  return [
    ...removed('key', ids, rows),
    ...keysRecords(context.keyring, rows),
    ...keyModelsRecords(models.filter(({ state, group_id }) => state !== 'active' && groupIds.has(group_id))),
  ]
}

function selectModels(sql: SqlRunner, ids: readonly number[]): Promise<ModelRow[]> {
  return selectIn<ModelRow>(sql, `SELECT ${modelColumns} FROM key_model_states`, 'key_id', ids, 'key_id, model')
}

function removed(
  kind: 'group' | 'access_key' | 'key',
  ids: readonly number[],
  rows: readonly { id: number }[],
): SnapshotRecord[] {
  const present = new Set(rows.map(({ id }) => id))
  const gone = ids.filter((id) => !present.has(id))
  return gone.length === 0 ? [] : [{ t: 'removed', kind, ids: gone }]
}
