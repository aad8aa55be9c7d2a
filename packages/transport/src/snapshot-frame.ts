// What the snapshot stores have in common: the head of a stored frame, and which of the stored frames make a snapshot.
// Several edges may write to one store, each for itself. So a stored delta says after which revision it follows, and on
// loading a delta counts only when nothing is missing before it and it brings something new.
//
// A frame's revision is what its reader has reached when it has applied it. A delta that came in several answers is
// several frames: all but the last carry the revision from before, else a torn tail would pass for the whole.

import { z } from 'zod'
import { epochSchema, revisionSchema } from '@gpt-load/contracts/snapshot'
import type { SnapshotFrame } from './snapshot-store.ts'

const storedHeadSchema = z.object({
  kind: z.enum(['base', 'delta']),
  epoch: epochSchema,
  revision: revisionSchema,
  /** Revision that the writer had reached before this delta. */
  after: revisionSchema,
  saved_at_ms: z.number(),
  wrapped_keys: z.array(z.string()),
  chunk_bytes: z.array(z.number().int().nonnegative()),
})
export type StoredHead = z.infer<typeof storedHeadSchema>

/** Undefined for what is not a head of ours. */
export function parseHead(json: string): StoredHead | undefined {
  try {
    return storedHeadSchema.safeParse(JSON.parse(json)).data
  } catch {
    return undefined
  }
}

/** How far a store's writer or reader has come. */
export type SnapshotPosition = { epoch: string; revision: number }

export class AppendRefused extends Error {
  override name = 'AppendRefused'
}

export function headOf(frame: SnapshotFrame, after: number): StoredHead {
  return {
    kind: frame.kind,
    epoch: frame.epoch,
    revision: frame.revision,
    after,
    saved_at_ms: frame.savedAtMs,
    wrapped_keys: [...frame.wrappedKeys],
    chunk_bytes: frame.chunks.map((chunk) => chunk.length),
  }
}

export function frameOf(head: StoredHead, chunks: readonly Uint8Array[]): SnapshotFrame {
  const { kind, epoch, revision, saved_at_ms: savedAtMs, wrapped_keys: wrappedKeys } = head
  return { kind, epoch, revision, savedAtMs, wrappedKeys, chunks }
}

/** `skip`: known already; `stop`: something before it is missing, so nothing after it counts either. */
export function judgeFrame(head: StoredHead, reached: SnapshotPosition | undefined): 'take' | 'skip' | 'stop' {
  if (head.kind === 'base') return 'take'
  if (!reached || head.epoch !== reached.epoch || head.after > reached.revision) return 'stop'
  const isNew = head.revision > reached.revision
  const isPart = head.revision === reached.revision && head.after === reached.revision
  return isNew || isPart ? 'take' : 'skip'
}

/** Frames of `replace`: the position after each, and that they begin with a base. */
export function followOn(frame: SnapshotFrame, reached: SnapshotPosition | undefined): SnapshotPosition {
  if (frame.kind === 'delta' && !reached) throw new AppendRefused('a snapshot begins with a base')
  if (frame.kind === 'delta' && frame.epoch !== reached?.epoch) throw new AppendRefused('a delta of another epoch')
  return { epoch: frame.epoch, revision: frame.revision }
}
