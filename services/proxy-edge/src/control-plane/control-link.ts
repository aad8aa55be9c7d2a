// What ties an edge to its control plane: where its snapshot comes from, and where its key events, resources and reports go.
// Of the two forms, `openControlLink` follows config-service; `openDetachedLink` serves a stored snapshot for good.

import type { EdgeReport, EdgeReportAnswer } from '@gpt-load/contracts/edge-report'
import type { Clock } from '@gpt-load/service-kit/clock'
import type { Logger } from '@gpt-load/service-kit/logger'
import type { ChangeFeedSubscriber } from '@gpt-load/transport/change-feed'
import type { InternalApi } from '@gpt-load/transport/internal-api'
import type { SnapshotStore } from '@gpt-load/transport/snapshot-store'
import type { KeyTableWriter } from '../data-plane/key-table/key-table-writer.ts'
import { createAnsweredApi } from './answered-api.ts'
import { createLastGoodSnapshot, type LastGoodSnapshot } from './last-good-snapshot.ts'
import { createOutbox, type Outbox } from './outbox.ts'
import { createReporter } from './reporter.ts'
import { createResourceExchange, type ResourceExchange } from './resource-exchange.ts'
import type { SnapshotApplier } from './snapshot-applier.ts'
import { createSnapshotSync, type SnapshotPosition, type SnapshotSync } from './snapshot-sync.ts'
import { noPosition } from './stored-snapshot.ts'

/** config-service and what it says by way of Redis. */
export type ControlPlane = { api: InternalApi; feed: ChangeFeedSubscriber }

export type ControlLinkOptions = {
  /** Name and instance of this edge. */
  edge: string
  instance: string
  edgeTokens: readonly string[]
  /** null = nothing is kept, and the edge starts from the control plane only. */
  snapshotStore: SnapshotStore | null
  maxSnapshotAgeMs: number
  applier: SnapshotApplier
  table: Pick<KeyTableWriter, 'putResource' | 'forgetResources'>
  /** A revision was reached (also the first one). */
  onApplied(position: SnapshotPosition): void
  describe(): EdgeReport
  onAnswer(answer: EdgeReportAnswer): void
  clock: Clock
  logger: Logger
}

export interface ControlLink {
  /** There is no control plane, and none is waited for. */
  readonly isDetached: boolean
  readonly sync: Pick<SnapshotSync, 'position' | 'isFeedConnected' | 'counts'>
  readonly outbox: Pick<Outbox, 'add' | 'pending' | 'counts'>
  readonly resources: Pick<ResourceExchange, 'add' | 'counts'>
  /** Revision of the last good snapshot that is kept; 0 = none. */
  readonly storedRevision: number
  /** When config-service last answered anything. Epoch ms; 0 = never since the start. */
  readonly answeredAtMs: number
  readonly explain: InternalApi['explain']
  /** What is served at first is in force when it resolves, as far as it is to be had. */
  begin(): Promise<void>
  /** From here on it keeps up by itself, and tells what this edge learns. */
  start(): void
  /** Something worth telling happened. */
  triggerReport(): void
  flush(timeoutMs: number): Promise<void>
  close(): Promise<void>
  /** The last report, when everything else is closed. */
  sayLast(): Promise<void>
}

/** Longer than a control plane takes that is there; past it the last good snapshot has to do. */
const firstPullTimeoutMs = 3_000

export function openControlLink(controlPlane: ControlPlane, options: ControlLinkOptions): ControlLink {
  const { edge, instance, edgeTokens, applier, table, clock, logger } = options
  const api = createAnsweredApi(controlPlane.api, clock)
  const sync = createSnapshotSync({ ...options, api, feed: controlPlane.feed })
  const epoch = (): string => sync.position.epoch
  const outbox = createOutbox({ api, edge, instance, epoch, clock, logger, onOtherEpoch: () => sync.pullNow() })
  const resources = createResourceExchange({ api, table, epoch, clock, logger })
  const reporter = createReporter({ api, clock, describe: options.describe, onAnswer: options.onAnswer })
  const { snapshotStore: store, maxSnapshotAgeMs: maxAgeMs } = options
  const lastGood = store === null ? null : createLastGoodSnapshot({ store, api, edgeTokens, clock, logger, maxAgeMs })
  return {
    isDetached: false,
    sync,
    outbox,
    resources,
    get storedRevision() {
      return lastGood?.storedRevision ?? 0
    },
    get answeredAtMs() {
      return api.answeredAtMs
    },
    explain: (post) => api.explain(post),
    async begin() {
      const stored = lastGood === null ? null : await restoreLastGood(lastGood, applier, logger)
      if (stored !== null) sync.resumeAt(stored)
      if (!(await sync.tryFirst(firstPullTimeoutMs)))
        logger.warn({ revision: sync.position.revision }, 'the control plane does not answer yet')
    },
    start() {
      sync.start()
      resources.start()
      // Storing takes the base and the deltas once more, at the cost of those that this edge waits for.
      lastGood?.follow(() => (sync.isBehindBase ? noPosition : sync.position))
      reporter.start()
    },
    triggerReport: () => reporter.trigger(),
    flush: async (timeoutMs) => void (await Promise.all([outbox.flush(timeoutMs), resources.flush(timeoutMs)])),
    async close() {
      await sync.close()
      await lastGood?.close()
      await outbox.close()
      await resources.close()
    },
    sayLast: () => reporter.close(),
  }
}

/** A stored snapshot that cannot be read is no reason not to start: the control plane has a newer one. */
async function restoreLastGood(
  lastGood: LastGoodSnapshot,
  applier: SnapshotApplier,
  logger: Logger,
): Promise<SnapshotPosition | null> {
  return lastGood.restore(applier).catch((error: unknown) => {
    logger.error({ err: error }, 'the last good snapshot cannot be used')
    return null
  })
}
