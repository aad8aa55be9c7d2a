import type { KeyFacts } from '@gpt-load/contracts/key-state'
import type { Cause } from '@gpt-load/contracts/key-state'
import type { LogBatchIdentity } from '@gpt-load/contracts/log-event'
import type { LearntResource } from '@gpt-load/contracts/resource-key'
import type { AccessKeyRecord, GroupRecord } from '@gpt-load/contracts/snapshot'
import type { Settings } from '@gpt-load/contracts/settings'
import type { RecordMemory } from './access-log/record-memory.ts'
import type { CapturedContent } from './data-plane/observe/content-capture.ts'
import type { ClientTls } from './data-plane/wire/downstream-exchange.ts'

/**
 * Messages between the main thread (control side) and the data-plane workers. Only changes cross. Keys cross
 * through shared memory (key-table), never by message, and so do request records: their message says where they are.
 */

/** Policies after a change: whole on the first message to a worker, then only what differs. */
export type PolicyUpdate = {
  isFull: boolean
  settings?: Partial<Settings>
  /**
   * With `groupNumber`, the dense number of the group in the key table, and where the health of each of its upstreams is
   * kept, in their order (-1 = it is not watched).
   */
  groups: readonly (GroupRecord & { groupNumber: number; upstreamSlots: readonly number[] })[]
  removedGroupIds: readonly number[]
  /** With `limitNumber`, where it is counted what was taken of their limits; -1 = they have none. */
  accessKeys: readonly (AccessKeyRecord & { limitNumber: number })[]
  removedAccessKeyIds: readonly number[]
  /** Base64; only when it is new. */
  pepper?: string
  /** Edge clock minus server clock, ms. */
  clockSkewMs: number
}

/** What happened to a key, applied locally already; the main thread coalesces it into the outbox. */
export type KeyOutcome = {
  keyId: number
  /** '' = the key itself. */
  model: string
  /** Facts in force now, with the generation acted on. */
  facts: KeyFacts
  /** 1 when a failure counts against the key, else 0. */
  failures: number
  succeeded: boolean
  cause: Cause
}

/** One sight of a rule that is only observed. */
export type RuleObserved = {
  groupId: number
  rule: string
  kind: 'no_change' | 'would_change' | 'succeeded_after'
}

export type ToWorker =
  /** `number` rises; the worker answers it when the update is in force. */
  | { type: 'policies'; number: number; update: PolicyUpdate }
  /** Another certificate; the files have changed. */
  | { type: 'tls'; tls: ClientTls }
  | { type: 'drain' }
  | { type: 'close_idle' }
  | { type: 'stop_accepting' }
  | { type: 'close' }
export type WorkerCommand = Exclude<ToWorker, { type: 'policies' }>

export type FromWorker =
  | { type: 'listening'; port: number }
  | { type: 'policies_applied'; number: number }
  | { type: 'key_outcome'; outcome: KeyOutcome }
  | { type: 'rule_observed'; observed: RuleObserved }
  | { type: 'resource'; resource: LearntResource }
  | { type: 'log_batch'; identity: LogBatchIdentity; memory: RecordMemory; bytes: number }
  | { type: 'content'; content: CapturedContent }
  | { type: 'stopped_accepting' }
  | { type: 'failed'; code: string; message: string }
