// What the snapshot stores have in common: the head of a stored frame, and which of the stored frames make a snapshot.
// Several edges may write to one store, each for itself. So a stored delta says after which revision it follows, and on
// loading a delta counts only when nothing is missing before it and it brings something new. One that does not count is passed
// over: another writer's may follow that does.
//
// A frame's revision is what its reader has reached when it has applied it. A delta that came in several answers is
// several frames: all but the last carry the revision from before, else a torn tail would pass for the whole. They count only
// one after the other and of one writer, else a torn one in the middle, or pages that two writers cut differently, would.

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
  /** Parts of this delta before it, and whose they are. */
  part: z.number().int().nonnegative(),
  writer: z.string(),
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
/** And how many parts of the delta after it are there already. */
export type SnapshotProgress = SnapshotPosition & { parts: number; writer: string }

/** What a store holds, as far as frames count. */
export type StoredState = SnapshotProgress & { savedAtMs: number; journalBytes: number }

export class AppendRefused extends Error {
  override name = 'AppendRefused'
}

/**
 * @param reached what `writer` has written, or found there, before
 * @param chunkBytes of each chunk
 */
export function headOf(
  frame: SnapshotFrame,
  chunkBytes: readonly number[],
  { reached, writer }: { reached: SnapshotProgress | undefined; writer: string },
): StoredHead {
  return {
    kind: frame.kind,
    epoch: frame.epoch,
    revision: frame.revision,
    after: reached?.revision ?? 0,
    part: reached?.writer === writer ? reached.parts : 0,
    writer,
    saved_at_ms: frame.savedAtMs,
    wrapped_keys: [...frame.wrappedKeys],
    chunk_bytes: [...chunkBytes],
  }
}

export function frameOf(head: StoredHead, chunks: SnapshotFrame['chunks']): SnapshotFrame {
  const { kind, epoch, revision, saved_at_ms: savedAtMs, wrapped_keys: wrappedKeys } = head
  return { kind, epoch, revision, savedAtMs, wrappedKeys, chunks }
}

/** False: known already, or something before it is missing. */
export function isCounted(head: StoredHead, reached: SnapshotProgress | undefined): boolean {
  if (head.kind === 'base') return true
  if (!reached || head.epoch !== reached.epoch || head.after > reached.revision) return false
  if (head.part > 0 && !(head.writer === reached.writer && head.part === reached.parts)) return false
  return head.revision > reached.revision || (head.revision === reached.revision && head.after === reached.revision)
}

/** After a frame that counts. */
export function progressAfter(head: StoredHead): SnapshotProgress {
  const { epoch, revision, writer } = head
  const isPart = head.kind === 'delta' && head.after === revision
  return { epoch, revision, writer, parts: isPart ? head.part + 1 : 0 }
}

/** After a frame, whether it counts or not. */
export function stateAfter(head: StoredHead, state: StoredState | undefined): StoredState | undefined {
  if (!isCounted(head, state)) return state
  const bytes = head.chunk_bytes.reduce((sum, length) => sum + length, 0)
  const journalBytes = head.kind === 'base' || state === undefined ? 0 : state.journalBytes + bytes
  return { ...progressAfter(head), savedAtMs: head.saved_at_ms, journalBytes }
}

/** What may follow what: a base anything, a delta only something of its epoch. */
export function checkFollows(frame: SnapshotFrame, reached: SnapshotPosition | undefined): void {
  if (frame.kind === 'delta' && !reached) throw new AppendRefused('a snapshot begins with a base')
  if (frame.kind === 'delta' && frame.epoch !== reached?.epoch) throw new AppendRefused('a delta of another epoch')
}
