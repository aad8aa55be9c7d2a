import type { Settings } from '@gpt-load/contracts/settings'
import type { DatabaseHandle } from '@gpt-load/database/database-handle'
import type { Keyring } from '@gpt-load/database/keyring'
import type { LogAccountReader } from '@gpt-load/database/logs/log-account-reader'
import type { RequestLogReader } from '@gpt-load/database/logs/request-log-reader'
import type { SqlRunner } from '@gpt-load/database/sql-runner'
import type { Clock } from '@gpt-load/service-kit/clock'
import type { Logger } from '@gpt-load/service-kit/logger'
import type { AdminKeys } from './admin-keys.ts'
import type { FailureThrottle } from './http/failure-throttle.ts'
import type { LogTail } from './logs/log-tail.ts'
import type { ProbeSender } from './probe/probe-sender.ts'
import type { ProbeCounts } from './probe/probe-key.ts'
import type { ProbeSlots } from './probe/probe-slots.ts'
import type { Surroundings } from './system/surroundings.ts'
import type { Truth } from './truth/start-truth.ts'
import type { UpstreamPolicy } from './upstreams/sync-upstreams.ts'

/** What verbs work with, opened once per process by the composition root. */
export type Services = {
  store: DatabaseHandle
  keyring: Keyring
  truth: Pick<Truth, 'noticeCommit'>
  adminKeys: AdminKeys
  throttles: { byAddress: FailureThrottle; byAccount: FailureThrottle }
  logReader: RequestLogReader
  logAccounts: LogAccountReader
  /**
   * Asks log-ingest to try dead letters again, null = all; answers how many. In the given transaction where the log is in the
   * same database; standalone's log is a file of its own, and is told before that transaction ends.
   */
  requestReplay(ids: readonly number[] | null, transaction: SqlRunner): Promise<number>
  logTail: LogTail
  probeSender: ProbeSender
  probeSlots: ProbeSlots
  probeCounts: ProbeCounts
  upstreamPolicy: UpstreamPolicy
  /** What the environment says: below what the database says. */
  environmentSettings: Partial<Settings>
  /** RecordContext (truth/policy-records.ts). */
  authKeyHash?: Uint8Array
  clock: Clock
  logger: Logger
  surroundings: Surroundings
  version: string
  startedAtMs: number
  /** Over every key of the database: for a question, not for a loop. */
  stateHash: Truth['stateHash']
  /** How far reachable edges are; resolves after a second at the latest. */
  awaitApplied(revision: number): Promise<{ reachable: number; applied: number }>
  /** A task waits for somebody to work on it. */
  onTaskQueued(): void
  /** Keys of a deleted group wait for their removal. */
  onGroupDeleted(): void
}
