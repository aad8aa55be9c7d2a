// Port between edges and config-service: what `/internal/*` offers, without HTTP. Adapters: config-service's own object
// (in standalone the edge holds it directly), and the edge's HTTP client. Every call may reject with
// InternalApiUnavailable (nothing there, database down, too many waiting): callers wait and repeat, nothing is lost by it.

import type { EdgeReport, EdgeReportAnswer } from '@gpt-load/contracts/edge-report'
import type { ExplanationPost } from '@gpt-load/contracts/explanation'
import type { KeyEventAck, KeyEventPost } from '@gpt-load/contracts/key-event'
import type { ResourceAnswer, ResourcePost } from '@gpt-load/contracts/resource-key'
import type { BaseManifest } from '@gpt-load/contracts/snapshot'

export class InternalApiUnavailable extends Error {
  override name = 'InternalApiUnavailable'
}

export type DeltaRequest = {
  epoch: string
  /** Revision that the caller has applied whole. */
  since: number
  /** Of the former answer, when that had one; `since` stays what it was. */
  cursor?: string
  /** Long poll: how long to wait when there is nothing newer. At most `maxDeltaWaitMs`. */
  waitMs?: number
  signal?: AbortSignal
}
export const maxDeltaWaitMs = 30_000

export type DeltaAnswer =
  | {
      kind: 'delta'
      epoch: string
      /**
       * What the caller has reached when it has applied this answer. While `cursor` is there, this is less than the newest
       * state that the records show (they may be newer than any revision claimed): go on until there is none.
       */
      revision: number
      cursor?: string
      /** Content key of `chunks`, wrapped once per accepted EDGE_TOKEN. */
      wrappedKeys: readonly string[]
      /** Sealed chunks (snapshot-chunk), one stream, unframed, chain start empty; first record `meta`. */
      chunks: readonly Uint8Array[]
    }
  /** Nothing newer than `since`, also not within `waitMs`. */
  | { kind: 'unchanged' }
  /** Another epoch, or the change log does not reach back: take the base. */
  | { kind: 'base_required' }

export type KeyEventsAnswer =
  | { kind: 'ack'; ack: KeyEventAck }
  /** Key ids and generations of another epoch mean nothing here: drop the outbox and take the base. */
  | { kind: 'other_epoch'; epoch: string }

export interface InternalApi {
  /** The newest base; null while the first one is being built (ask again within a second). */
  manifest(): Promise<BaseManifest | null>
  /**
   * Bytes of a base from `fromByte` on, in pieces of any size: framed chunks (chunk-splitter). Null when it is no longer
   * kept: ask for the manifest again.
   */
  base(
    place: { epoch: string; revision: number; fromByte?: number },
    signal?: AbortSignal,
  ): Promise<AsyncIterable<Uint8Array> | null>
  delta(request: DeltaRequest): Promise<DeltaAnswer>
  /** Resolves after commit: that is the acknowledgement. Sending the same number again answers alike. */
  keyEvents(post: KeyEventPost): Promise<KeyEventsAnswer>
  /** False: of another epoch, nothing was stored. Storing one twice changes nothing. */
  storeResources(post: ResourcePost): Promise<boolean>
  /** Oldest first; without `after` the newest that a receiver could hold. Null: of another epoch. */
  resources(question: { epoch: string; after?: number }): Promise<ResourceAnswer | null>
  report(report: EdgeReport): Promise<EdgeReportAnswer>
  /** To a question in the answer to a report. The first one counts. */
  explain(post: ExplanationPost): Promise<void>
}
