import type { DeltaAnswer } from '@gpt-load/transport/internal-api'
import { unwrapContentKey } from '@gpt-load/transport/content-key'
import { openChunks } from '@gpt-load/transport/snapshot-chunk'
import type { SnapshotApplier } from './snapshot-applier.ts'

export class EdgeTokenRefused extends Error {
  override name = 'EdgeTokenRefused'
}

/** Applies the records of sealed chunks in order; answers the sender's clock when they name it. */
export async function applySealed(
  sealed: Pick<Extract<DeltaAnswer, { kind: 'delta' }>, 'epoch' | 'wrappedKeys'> & {
    chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>
  },
  edgeTokens: readonly string[],
  applier: SnapshotApplier,
): Promise<number | null> {
  const contentKey = unwrapContentKey(sealed.wrappedKeys, edgeTokens)
  if (contentKey === null) throw new EdgeTokenRefused('the snapshot is sealed for another EDGE_TOKEN')
  let serverTimeMs: number | null = null
  for await (const record of openChunks(contentKey, sealed.epoch, sealed.chunks)) {
    if (record.t === 'meta') serverTimeMs = record.server_time_ms
    applier.apply(record)
  }
  return serverTimeMs
}
