import type { SnapshotStore } from '@gpt-load/transport/snapshot-store'
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
  for await (const frame of store.load()) {
    const isOtherEpoch = frame.epoch !== position.epoch
    if (!isOtherEpoch && frame.revision <= position.revision) continue
    const isBase = frame.kind === 'base'
    if (isBase) applier.beginBase(isOtherEpoch)
    try {
      if (frame.wrappedKeys.length > 0) await applySealed(frame, edgeTokens, applier)
    } catch (error) {
      if (isBase) applier.abandonBase()
      throw error
    }
    if (isBase) applier.endBase()
    position = { epoch: frame.epoch, revision: frame.revision }
  }
  applier.flush()
  return position
}
