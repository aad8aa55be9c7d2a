import { maxMalformedLines, maxPreviewedKeys, type KeyImportPreview } from '@gpt-load/contracts/api/key'
import { keyProblem } from '@gpt-load/contracts/parse-keys-text'
import { authorise } from '../authorise.ts'
import { ApiProblem } from '../http/api-problem.ts'
import { hashKeys, requireStandardGroup, withoutKnown } from '../keys/insert-keys.ts'
import type { VerbAnswer, VerbContext, VerbInput } from '../verb.ts'
import { entriesOf } from './receive-keys.ts'

/**
 * What an import would do, told while its stream goes by: nothing is stored, and of the keys that were seen only a part of their
 * hash is held. Between the preview and the import others may add keys; the import decides.
 */
const chunkKeys = 2_000
/** Of the hash, as a number: two of a million keys share them once in 500 previews. */
const seenBytes = 6

export async function previewImport({
  ctx,
  input,
}: {
  ctx: VerbContext
  input: Pick<VerbInput<'previewImport'>, 'params' | 'upload'>
}): Promise<VerbAnswer<KeyImportPreview>> {
  authorise(ctx, 'previewImport')
  const entries = entriesOf(input.upload)
  await requireStandardGroup(ctx.store.sql, input.params.id)
  const preview: KeyImportPreview = { new: 0, duplicate: 0, malformed: 0, malformed_lines: [] }
  const seen = new Set<number>()
  let chunk: string[] = []
  for await (const entry of entries) {
    const problem = 'problem' in entry ? entry.problem : keyProblem(entry.key.trim())
    if (problem !== null) noteProblem(preview, entry.line, problem)
    else if ('key' in entry && chunk.push(entry.key.trim()) >= chunkKeys) {
      await countChunk(ctx, input.params.id, { preview, seen, chunk })
      chunk = []
    }
  }
  await countChunk(ctx, input.params.id, { preview, seen, chunk })
  return { value: preview }
}

function noteProblem(preview: KeyImportPreview, line: number, reason: string): void {
  preview.malformed += 1
  if (preview.malformed_lines.length < maxMalformedLines) preview.malformed_lines.push({ line, reason })
}

async function countChunk(
  { keyring, store }: VerbContext,
  groupId: number,
  { preview, seen, chunk }: { preview: KeyImportPreview; seen: Set<number>; chunk: readonly string[] },
): Promise<void> {
  const hashed = (await hashKeys(keyring, chunk)).filter(({ hash }) => {
    const before = seen.size
    return seen.add(Buffer.from(hash.buffer, hash.byteOffset, seenBytes).readUIntBE(0, seenBytes)).size > before
  })
  if (seen.size > maxPreviewedKeys)
    throw new ApiProblem(
      'payload_too_large',
      `A preview takes ${maxPreviewedKeys} different keys, an import any number.`,
    )
  const fresh = (await withoutKnown(store.sql, groupId, hashed)).length
  preview.new += fresh
  preview.duplicate += chunk.length - fresh
}
