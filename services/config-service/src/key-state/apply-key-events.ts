import type { KeyEvent, KeyEventAck, KeyEventPost } from '@gpt-load/contracts/key-event'
import type { KeyFacts } from '@gpt-load/contracts/key-state'
import type { KeyPolicy } from '@gpt-load/key-health/key-policy'
import { equalFacts } from '@gpt-load/key-health/merge-facts'
import { mergeKeyEvent } from '@gpt-load/key-health/merge-key-event'
import type { KeyEventsAnswer } from '@gpt-load/transport/internal-api'
import { adjustKeyCounts } from '../keys/adjust-key-counts.ts'
import type { ChangeTransaction } from '../truth/change-transaction.ts'
import { commitChange, type CommitContext } from '../truth/commit.ts'
import type { RecordContext } from '../truth/policy-records.ts'
import { lockEdgePost, storeEdgePost } from './edge-post.ts'
import { loadKeyPolicies } from './load-key-policies.ts'
import {
  causeText,
  lockKeys,
  modelPlace,
  readModels,
  writeHistory,
  writeKeys,
  writeModels,
  type HistoryRow,
  type LockedKey,
  type LockedModel,
  transitionsOf,
} from './locked-keys.ts'

/**
 * One post of an edge's outbox: keys locked in id order, every event merged by key-health, rows, history, counts, the edge's
 * post number and one revision, all in one transaction. A resend finds its number there and is answered alike.
 */
export type KeyEventContext = Omit<CommitContext, 'actor' | 'requestId'> & { records: RecordContext }

export async function applyKeyEvents(context: KeyEventContext, post: KeyEventPost): Promise<KeyEventsAnswer> {
  const { epoch } = context.records.keyring
  if (post.epoch !== epoch) return { kind: 'other_epoch', epoch }
  const { records, ...commit } = context
  const ctx = { ...commit, actor: { name: `edge:${post.edge}` }, requestId: '' }
  const { result } = await commitChange({ ctx }, (tx) => applyPost(tx, records, post))
  return { kind: 'ack', ack: result() }
}

/** The acknowledgement names the revision, which is known when the transaction ends. */
async function applyPost(
  tx: ChangeTransaction,
  records: RecordContext,
  post: KeyEventPost,
): Promise<() => KeyEventAck> {
  const earlier = await lockEdgePost(tx.sql, post, tx.nowMs)
  if (earlier !== null) return () => earlier
  const keys = await lockKeys(
    tx.sql,
    post.events.map(({ key_id }) => key_id),
  )
  const ofModels = post.events.filter(({ model }) => model !== undefined).map(({ key_id }) => key_id)
  const models = await readModels(tx.sql, [...new Set(ofModels)])
  const policies = await loadKeyPolicies(tx.sql, records, [
    ...new Set([...keys.values()].map(({ groupId }) => groupId)),
  ])
  const history: HistoryRow[] = []
  const counts = { applied: 0, stale: 0 }
  for (const event of post.events) {
    const isApplied = mergeInto({ keys, models, policies, history, nowMs: tx.nowMs }, event)
    counts[isApplied ? 'applied' : 'stale'] += 1
  }
  await writeChanges(tx, [...keys.values()], [...models.values()], history)
  let ack: KeyEventAck | undefined
  tx.atEnd(async (revision) => {
    ack = { number: post.number, revision, ...counts }
    await storeEdgePost(tx.sql, post, ack)
  })
  return () => ack as KeyEventAck
}

type Merging = {
  keys: ReadonlyMap<number, LockedKey>
  models: Map<string, LockedModel>
  policies: ReadonlyMap<number, KeyPolicy>
  history: HistoryRow[]
  nowMs: number
}

/** False for what changes nothing any more: an older generation, a key that is gone. */
function mergeInto(merging: Merging, event: KeyEvent): boolean {
  const key = merging.keys.get(event.key_id)
  const policy = key && merging.policies.get(key.groupId)
  if (key === undefined || policy === undefined) return false
  const row = event.model === undefined ? key : deviationOf(merging.models, key, event.model)
  const before = row.facts
  const { facts, verdict, isChanged } = mergeKeyEvent(before, event, policy)
  const cause = causeText(event.last_cause)
  const isApplied = verdict === 'applied'
  // What a stale report said stays in the history; a counter that moved is no transition.
  if (!isApplied || before.state !== facts.state || before.until !== facts.until)
    merging.history.push({
      key,
      model: event.model ?? '',
      at: merging.nowMs,
      from: before.state,
      facts: isApplied ? facts : reportedFacts(event),
      cause,
      isApplied,
    })
  if (!isChanged) return isApplied
  row.facts = facts
  row.cause = facts.state === 'active' ? '' : cause
  return isApplied
}

function reportedFacts({ state, until, generation, failures }: KeyEvent): KeyFacts {
  return { state, until, generation, failures }
}

/** A deviation carries its key's generation; one below it is void, as if there were none. */
function deviationOf(models: Map<string, LockedModel>, key: LockedKey, model: string): LockedModel {
  const place = modelPlace(key.id, model)
  const stored = models.get(place)
  const { generation } = key.facts
  const none: KeyFacts = { state: 'active', until: 0, generation, failures: 0 }
  if (stored !== undefined) {
    if (stored.facts.generation < generation) stored.facts = none
    return stored
  }
  const row = {
    id: key.id,
    groupId: key.groupId,
    stored: none,
    facts: none,
    storedCause: '',
    cause: '',
    model,
    isNew: true,
  }
  models.set(place, row)
  return row
}

async function writeChanges(
  tx: ChangeTransaction,
  keys: readonly LockedKey[],
  models: readonly LockedModel[],
  history: readonly HistoryRow[],
): Promise<void> {
  const isChanged = ({ stored, facts }: LockedKey) => !equalFacts(stored, facts)
  const changedKeys = keys.filter(isChanged)
  const changedModels = models.filter(isChanged)
  await writeKeys(tx.sql, changedKeys, tx.nowMs)
  await writeModels(tx.sql, changedModels, tx.nowMs)
  await writeHistory(tx.sql, history)
  await countStates(tx, changedKeys)
  const ids = changedKeys.map(({ id }) => id)
  tx.touch('key_state', ids)
  tx.stamp('provider_keys', ids)
  tx.touch(
    'key_model',
    changedModels.map(({ id }) => id),
  )
}

async function countStates(tx: ChangeTransaction, changed: readonly LockedKey[]): Promise<void> {
  const byGroup = [...Map.groupBy(changed, ({ groupId }) => groupId)].toSorted(([a], [b]) => a - b)
  for (const [groupId, keys] of byGroup) await adjustKeyCounts(tx.sql, groupId, transitionsOf(keys))
}
