import type { Clock } from '@gpt-load/service-kit/clock'
import type { Logger } from '@gpt-load/service-kit/logger'
import { startPeriodic } from '@gpt-load/service-kit/periodic'
import type { InternalApi } from '@gpt-load/transport/internal-api'
import type { StoredState } from '@gpt-load/transport/snapshot-frame'
import type { SnapshotFrame, SnapshotStore } from '@gpt-load/transport/snapshot-store'
import { downloadChunks } from './load-base.ts'
import type { SnapshotApplier } from './snapshot-applier.ts'
import type { SnapshotPosition } from './snapshot-sync.ts'
import { applyStored, noPosition } from './stored-snapshot.ts'

/**
 * The last good snapshot of this edge: a base and the deltas after it, as config-service sealed them. It is kept beside the
 * applying of changes, not by it, so a slow or full disk costs nothing but its own age. What is stored opens with EDGE_TOKEN.
 * Edges may share a store: what is there is asked for before each turn, so each adds only what the others have not, and a snapshot
 * that a slower one put back is brought forward by whoever comes next.
 */
export type LastGoodSnapshotOptions = {
  store: SnapshotStore
  api: InternalApi
  edgeTokens: readonly string[]
  clock: Clock
  logger: Logger
  maxAgeMs: number
}

export interface LastGoodSnapshot {
  /** Applies what is stored; null when there is nothing (or it is too old, or sealed for another token). */
  restore(applier: SnapshotApplier): Promise<SnapshotPosition | null>
  /** Keeps the store near `position` from now on. */
  follow(position: () => SnapshotPosition): void
  readonly storedRevision: number
  close(): Promise<void>
}

const saveIntervalMs = 1_000
/** Deltas after a base are replayed at start: past this a new base is cheaper. */
const maxJournalBytes = 32 * 1_048_576
/** Nothing changed for this long: say so in the store, that it does not look old. */
const stillCurrentMs = 3_600_000

export function createLastGoodSnapshot(options: LastGoodSnapshotOptions): LastGoodSnapshot {
  const { store, api, clock } = options
  let storedRevision = 0
  let saver: ReturnType<typeof startPeriodic> | undefined

  async function storeBase(signal: AbortSignal): Promise<void> {
    const manifest = await api.manifest()
    if (manifest === null) return
    const { epoch, revision, wrapped_keys: wrappedKeys } = manifest
    const chunks = wholeBase({ api, manifest, signal })
    await store.replace(only({ kind: 'base', epoch, revision, savedAtMs: clock.nowMs(), wrappedKeys, chunks }))
  }

  async function storeDelta(stored: StoredState): Promise<boolean> {
    let cursor: string | undefined
    do {
      const answer = await api.delta({
        epoch: stored.epoch,
        since: stored.revision,
        ...(cursor === undefined ? {} : { cursor }),
      })
      if (answer.kind === 'unchanged') return true
      if (answer.kind === 'base_required') return false
      cursor = answer.cursor
      const { epoch, revision, wrappedKeys } = answer
      // Parts that the last one does not follow count for nobody.
      await store.append({
        kind: 'delta',
        epoch,
        revision,
        savedAtMs: clock.nowMs(),
        wrappedKeys,
        chunks: answer.chunks,
      })
    } while (cursor !== undefined)
    return true
  }

  async function save(position: SnapshotPosition, signal: AbortSignal): Promise<void> {
    if (position.epoch === '') return
    const stored = await store.state()
    const isOfEpoch = stored !== null && stored.epoch === position.epoch
    if (isOfEpoch && stored.revision >= position.revision) {
      storedRevision = stored.revision
      return markCurrent(stored)
    }
    const takesDelta = isOfEpoch && stored.journalBytes <= maxJournalBytes
    if (!takesDelta || !(await storeDelta(stored))) await storeBase(signal)
    storedRevision = (await store.state())?.revision ?? 0
  }

  async function markCurrent({ epoch, revision, savedAtMs: before }: StoredState): Promise<void> {
    const savedAtMs = clock.nowMs()
    if (savedAtMs - before <= stillCurrentMs) return
    await store.append({ kind: 'delta', epoch, revision, savedAtMs, wrappedKeys: [], chunks: [] })
  }

  return {
    async restore(applier) {
      // Looked at before anything is applied: a snapshot that is too old must not be half in force.
      const found = await store.state()
      if (found === null || found.savedAtMs < clock.nowMs() - options.maxAgeMs) return null
      const position = await applyStored(store, { after: noPosition, edgeTokens: options.edgeTokens, applier })
      storedRevision = position.revision
      options.logger.warn(
        { revision: position.revision, age_s: Math.round((clock.nowMs() - found.savedAtMs) / 1000) },
        'started from the last good snapshot',
      )
      return position
    },
    follow(position) {
      saver = startPeriodic({
        name: 'last good snapshot',
        intervalMs: saveIntervalMs,
        clock,
        logger: options.logger,
        run: (signal) => save(position(), signal),
      })
    },
    get storedRevision() {
      return storedRevision
    },
    async close() {
      await saver?.stop()
      await store.close()
    },
  }
}

/** Rejects when the base goes half-way: what was stored before stays. */
async function* wholeBase(options: Parameters<typeof downloadChunks>[0]): AsyncGenerator<Uint8Array> {
  const download = { isGone: false }
  yield* downloadChunks(options, download)
  if (download.isGone) throw new Error('the base is no longer kept by config-service')
}

async function* only(frame: SnapshotFrame): AsyncGenerator<SnapshotFrame> {
  yield frame
}
