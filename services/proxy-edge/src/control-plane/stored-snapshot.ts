import type { SnapshotFrame, SnapshotStore } from '@gpt-load/transport/snapshot-store'
import { applySealed } from './apply-sealed.ts'
import type { SnapshotApplier } from './snapshot-applier.ts'
import type { SnapshotPosition } from './snapshot-sync.ts'

export const noPosition: SnapshotPosition = { epoch: '', revision: 0 }

/**
 * Takes into force what a store holds beyond `after`, and answers how far that goes. A base of another epoch replaces what this
 * edge has learnt about its keys; one that is older than what is in force is passed over, since it would remove what came later.
 */
export async function applyStored(
  store: SnapshotStore,
  options: { after: SnapshotPosition; edgeTokens: readonly string[]; applier: SnapshotApplier },
): Promise<SnapshotPosition> {
  const { edgeTokens, applier } = options
  let position = options.after
  /** How far the frames go, applied or not. */
  let stored = noPosition
  /** Of a delta that came in several answers: nothing of it counts before its last one is there. */
  let parts: SnapshotFrame[] = []
  for await (const frame of store.load()) {
    const { kind, epoch, revision } = frame
    const isPart = kind === 'delta' && epoch === stored.epoch && revision === stored.revision
    stored = { epoch, revision }
    if (isPart) {
      // One without a key only says that nothing has changed.
      if (frame.wrappedKeys.length > 0) parts.push(frame)
      continue
    }
    const whole = kind === 'base' ? [frame] : [...parts, frame]
    parts = []
    const isOtherEpoch = epoch !== position.epoch
    if (!isOtherEpoch && revision <= position.revision) continue
    if (kind === 'base') applier.beginBase(isOtherEpoch)
    try {
      for (const part of whole) await applySealed(part, edgeTokens, applier)
    } catch (error) {
      if (kind === 'base') applier.abandonBase()
      throw error
    }
    if (kind === 'base') applier.endBase()
    position = stored
  }
  applier.flush()
  return position
}
