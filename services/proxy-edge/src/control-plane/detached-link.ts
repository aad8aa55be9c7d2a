// An edge without a control plane: it serves what its store holds, however old that is, and looks whether somebody has put a
// newer snapshot there. What it learns about keys is in force here and stays here: nobody is told, and nobody else's news come.

import { startPeriodic, type Periodic } from '@gpt-load/service-kit/periodic'
import type { SnapshotStore } from '@gpt-load/transport/snapshot-store'
import type { ControlLink, ControlLinkOptions } from './control-link.ts'
import type { SnapshotPosition } from './snapshot-sync.ts'
import { applyStored, noPosition } from './stored-snapshot.ts'

export type DetachedLinkOptions = Pick<
  ControlLinkOptions,
  'edgeTokens' | 'applier' | 'onApplied' | 'clock' | 'logger'
> & { snapshotStore: SnapshotStore; watchIntervalMs?: number }

const defaultWatchIntervalMs = 5_000

export function openDetachedLink(options: DetachedLinkOptions): ControlLink {
  const { snapshotStore: store, edgeTokens, applier, clock, logger } = options
  let position: SnapshotPosition = noPosition
  let watch: Periodic | undefined

  async function takeStored(): Promise<void> {
    const stored = await store.state()
    if (stored === null) {
      if (position.epoch === '') logger.warn('the store holds no snapshot yet: nothing is served')
      return
    }
    if (stored.epoch === position.epoch && stored.revision <= position.revision) return
    position = await applyStored(store, { after: position, edgeTokens, applier })
    const ageS = Math.round((clock.nowMs() - stored.savedAtMs) / 1_000)
    logger.info({ ...position, age_s: ageS }, 'serves the stored snapshot, without a control plane')
    options.onApplied(position)
  }

  return {
    isDetached: true,
    sync: {
      get position() {
        return position
      },
      isFeedConnected: false,
      counts: { pulls: 0, bases: 0, fromFeed: 0, heldTooLong: 0, failures: 0 },
    },
    outbox: { add() {}, pending: 0, counts: { posts: 0, resends: 0, events: 0, dropped: 0 } },
    resources: { add() {}, counts: { told: 0, heard: 0, dropped: 0 } },
    get storedRevision() {
      return position.revision
    },
    answeredAtMs: 0,
    explain: async () => {},
    async begin() {
      await takeStored().catch((error: unknown) =>
        logger.error({ err: error }, 'the stored snapshot cannot be used: nothing is served'),
      )
    },
    start() {
      const intervalMs = options.watchIntervalMs ?? defaultWatchIntervalMs
      watch = startPeriodic({ name: 'stored snapshot', intervalMs, clock, logger, run: takeStored })
    },
    triggerReport() {},
    flush: async () => {},
    async close() {
      await watch?.stop()
      await store.close()
    },
    sayLast: async () => {},
  }
}
