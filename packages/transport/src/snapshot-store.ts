import type { StoredState } from './snapshot-frame.ts'

/**
 * Port of the last good snapshot of an edge: sealed frames as they came from config-service, in the order in which they
 * were applied. Sealed under EDGE_TOKEN, so that an edge needs only its own environment to start alone. Adapters:
 * file-snapshot-store, redis-snapshot-store, none.
 */
export type SnapshotFrame = {
  /** `base` replaces everything before it; `delta` follows it. */
  kind: 'base' | 'delta'
  epoch: string
  revision: number
  savedAtMs: number
  /** Content key of the frame's chunks, wrapped per accepted token. */
  wrappedKeys: readonly string[]
  /**
   * Sealed chunks, to be read once and before `load` has ended: a base of a million keys has 100 MB of them, and whoever passes it
   * on holds one at a time.
   */
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>
}

export interface SnapshotStore {
  /** What is stored now, whoever wrote it; null = nothing. Cheap to ask again. */
  state(): Promise<StoredState | null>
  /** All frames of the newest complete snapshot; nothing when there is none. A torn last frame is left out. */
  load(): AsyncIterable<SnapshotFrame>
  /** Replaces what is stored, atomically. */
  replace(frame: AsyncIterable<SnapshotFrame>): Promise<void>
  /** A delta from what `state`, `load`, `replace` or the last `append` came to. Rejects with AppendRefused where it cannot follow. */
  append(frame: SnapshotFrame): Promise<void>
  close(): Promise<void>
}
