import type { Settings } from '@gpt-load/contracts/settings'
import type { DatabaseHandle } from '@gpt-load/database/database-handle'
import type { Keyring } from '@gpt-load/database/keyring'
import type { Clock } from '@gpt-load/service-kit/clock'
import type { Logger } from '@gpt-load/service-kit/logger'
import { startPeriodic } from '@gpt-load/service-kit/periodic'
import { createSingleFlight } from '@gpt-load/service-kit/single-flight'
import type { ChangeFeedPublisher } from '@gpt-load/transport/change-feed'
import { createFeedSigner } from '@gpt-load/transport/feed-mac'
import type { InternalApi } from '@gpt-load/transport/internal-api'
import { awaitApplied, type Applied } from '../edges/await-applied.ts'
import { startChangePublisher } from '../feed/change-publisher.ts'
import { startRevisionWatcher } from '../feed/revision-watcher.ts'
import { createBaseSource, type BaseSource } from '../internal/base-source.ts'
import { createInternalApi } from '../internal/create-internal-api.ts'
import { createDeltaSource } from '../internal/delta-source.ts'
import { sweepDue } from '../key-state/sweep-due.ts'
import { buildBaseIfNeeded } from './base-builder.ts'
import { createBaseFiles } from './base-files.ts'
import { noteEnvironment } from './note-environment.ts'
import { readPosition, type Position } from './read-position.ts'
import { createRestoreWatch } from './restore-watch.ts'
import { computeStateHash, type StoredStateHash } from './state-hash.ts'

/**
 * One truth, told to all edges: puts revision watcher, publisher, base builder, sweeper and the internal API together over
 * one database. Any number of replicas do the same side by side.
 */
export type TruthOptions = {
  store: DatabaseHandle
  keyring: Keyring
  feed: ChangeFeedPublisher
  /** Accepted EDGE_TOKENs (service-kit, edge-token); snapshots are sealed under each. */
  edgeTokens: readonly string[]
  /** Defaults that the environment sets. */
  environmentSettings: Partial<Settings>
  /** RecordContext. */
  authKeyHash?: Uint8Array
  /** Where base files are cached. Nothing else may be in it. */
  cacheDir: string
  clock: Clock
  logger: Logger
}

export interface Truth {
  /** A revision was committed by this process: tell the feed. */
  noticeCommit(revision: number): void
  /** As far as this replica has seen it; `position` asks the database. */
  readonly head: Position
  /** Edges whose long poll waits for the next revision. */
  readonly waiting: number
  position(): Promise<Position>
  awaitApplied(revision: number, options?: { timeoutMs?: number }): Promise<Applied>
  /** Those who ask while it is computed share the answer. */
  stateHash(): Promise<StoredStateHash>
  readonly internalApi: InternalApi
  /** For internal-server. */
  readonly bases: BaseSource
  /** Long polls end, jobs finish their chunk. The database and the feed belong to the caller. */
  close(): Promise<void>
}

/** Checked at start and when an edge finds no base, so this is only how late a base is replaced, and one of another replica fetched. */
const baseCheckIntervalMs = 5_000
const sweepIntervalMs = 2_000

export async function startTruth(options: TruthOptions): Promise<Truth> {
  const { store, keyring, feed, edgeTokens, clock, logger, environmentSettings } = options
  const { authKeyHash } = options
  const context = { keyring, environmentSettings, ...(authKeyHash && { authKeyHash }) }
  await noteEnvironment({ store, clock }, context)
  const isFeedConnected = () => feed.isConnected()
  const restores = createRestoreWatch({ store, clock, logger, onRenewed: () => void watcher.catchUp().catch(() => {}) })
  const watcher = await startRevisionWatcher({
    store,
    context,
    clock,
    logger,
    isFeedConnected,
    onLooked: ({ seen, now }) => restores.noteClaim(seen, now),
  })
  const publisher = startChangePublisher({ feed, sign: createFeedSigner(edgeTokens), watcher, clock, logger })
  const files = createBaseFiles({ store, cacheDir: options.cacheDir })
  const bases = createBaseSource({ store, keyring, files, edgeTokens, onMissing: () => builder.trigger() })
  const builder = startPeriodic({
    name: 'snapshot-base',
    intervalMs: baseCheckIntervalMs,
    isImmediate: true,
    async run(signal) {
      await buildBaseIfNeeded({ store, context, clock, logger }, signal)
      await bases.fetchNewest()
    },
    logger,
    clock,
  })
  const sweeper = startPeriodic({
    name: 'key-sweep',
    intervalMs: sweepIntervalMs,
    run: async () => void (await sweepDue(store, clock.nowMs())),
    logger,
    clock,
  })
  const { noticeCommit } = publisher
  const internalApi = createInternalApi({
    store,
    bases,
    delta: createDeltaSource({ store, context, watcher, clock, edgeTokens }),
    keyEvents: { store, clock, truth: { noticeCommit }, records: context },
    noteApplied: (place) => restores.noteClaim(place, watcher.ring.head),
  })
  const hashFlight = createSingleFlight<StoredStateHash>()
  return {
    noticeCommit,
    get head() {
      return watcher.ring.head
    },
    get waiting() {
      return watcher.waiting
    },
    position: () => readPosition(store.sql),
    awaitApplied: (revision, { timeoutMs = 1_000 } = {}) =>
      awaitApplied({ epoch: keyring.epoch, revision }, { store, clock, timeoutMs }),
    stateHash: () => hashFlight('state hash', () => computeStateHash(store, clock.nowMs())),
    internalApi,
    bases,
    async close() {
      await restores.stop()
      await publisher.stop()
      await watcher.stop()
      await Promise.all([builder.stop(), sweeper.stop()])
    },
  }
}
