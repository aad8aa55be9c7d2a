import type { OperationId, OperationInput, OperationResult } from '@gpt-load/contracts/api/endpoints'
import type { SqlRunner } from '@gpt-load/database/sql-runner'
import type { Actor } from './admin-keys.ts'
import type { Precondition } from './http/precondition.ts'
import type { Upload } from './http/read-upload.ts'
import type { RequestClient } from './http/request-client.ts'
import type { Services } from './services.ts'

/**
 * A verb is one thing that an administrator can do, whatever transport it came by: `verbEntity({ ctx, input })`
 * authorises, checks what only the stored state can tell, and changes it in one transaction with its audit row.
 */
export type VerbContext = Services & {
  actor: Actor
  requestId: string
  /** Runs in the transaction of the change, before it ends: idempotency. */
  inCommit?: (sql: SqlRunner) => Promise<void>
}

/** What storing a change takes: less than a running service has, so that `gptload` can work on a database alone. */
export type ChangeContext = Pick<
  VerbContext,
  'store' | 'keyring' | 'truth' | 'upstreamPolicy' | 'clock' | 'actor' | 'requestId' | 'inCommit'
>

export type VerbInput<K extends OperationId> = OperationInput<K> & {
  precondition: Precondition
  /** Who called, for the verbs that open and end sessions. */
  client: RequestClient
  /** Of endpoints that take one; null = the request had no body. */
  upload: Upload | null
}

export type VerbAnswer<T> = {
  value: T
  /** Revision of the entity: its ETag. */
  revision?: number
  /** Revision that the change made; absent when nothing changed. */
  committed?: number
  /** It is the stored answer of an earlier request. */
  isReplayed?: boolean
  /** Session token for the cookie; null takes the cookie away. */
  sessionToken?: string | null
  /** In place of `value`, for endpoints that answer a download. */
  stream?: AsyncIterable<string>
  /** The stream is a file of that name, of another type than the endpoint's where it says so. */
  file?: { name: string; type: string }
}

export type Verb<K extends OperationId> = (call: {
  ctx: VerbContext
  input: VerbInput<K>
}) => Promise<VerbAnswer<OperationResult<K>>>

export type Verbs = { [K in OperationId]: Verb<K> }
