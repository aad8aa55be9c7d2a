import type { MetaRecord, SnapshotRecord } from '@gpt-load/contracts/snapshot'
import { createContentKey, wrapContentKey } from '@gpt-load/transport/content-key'
import { createChunkWriter } from '@gpt-load/transport/snapshot-chunk'

export type EncodedDelta = { wrappedKeys: readonly string[]; chunks: readonly Uint8Array[] }

/** Seals one answer under a content key of its own. */
export function encodeDelta(
  meta: MetaRecord,
  records: Iterable<SnapshotRecord>,
  edgeTokens: readonly string[],
): EncodedDelta {
  const contentKey = createContentKey()
  const writer = createChunkWriter({ contentKey, epoch: meta.epoch })
  const chunks = writer.write(meta)
  for (const record of records) chunks.push(...writer.write(record))
  chunks.push(writer.finish())
  return { wrappedKeys: wrapContentKey(contentKey, edgeTokens), chunks }
}
