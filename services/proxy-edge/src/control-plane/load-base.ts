import type { BaseManifest } from '@gpt-load/contracts/snapshot'
import { createChunkSplitter, frameChunk } from '@gpt-load/transport/chunk-splitter'
import type { InternalApi } from '@gpt-load/transport/internal-api'
import { applySealed } from './apply-sealed.ts'
import type { SnapshotApplier } from './snapshot-applier.ts'

/** A broken download goes on where it broke, this often. */
const maxResumes = 20

/** Takes a whole base into force; false when it is no longer kept. Rejects when it cannot be had or does not fit. */
export async function loadBase(options: {
  api: InternalApi
  manifest: BaseManifest
  isOtherEpoch: boolean
  applier: SnapshotApplier
  edgeTokens: readonly string[]
  signal: AbortSignal
}): Promise<boolean> {
  const { manifest, applier } = options
  const download = { isGone: false }
  applier.beginBase(options.isOtherEpoch)
  try {
    const chunks = downloadChunks(options, download)
    await applySealed(
      { epoch: manifest.epoch, wrappedKeys: manifest.wrapped_keys, chunks },
      options.edgeTokens,
      applier,
    )
    applier.endBase()
    return true
  } catch (error) {
    applier.abandonBase()
    if (download.isGone) return false
    throw error
  }
}

/** Whole chunks only, so that a resume begins at a chunk's first byte. */
export async function* downloadChunks(
  options: { api: InternalApi; manifest: Pick<BaseManifest, 'epoch' | 'revision' | 'bytes'>; signal: AbortSignal },
  download: { isGone: boolean },
): AsyncGenerator<Uint8Array> {
  const { api, manifest, signal } = options
  let fromByte = 0
  for (let resumes = 0; fromByte < manifest.bytes; resumes += 1) {
    const body = await api.base({ epoch: manifest.epoch, revision: manifest.revision, fromByte }, signal)
    if (body === null) {
      download.isGone = true
      return
    }
    const splitter = createChunkSplitter()
    try {
      for await (const piece of body) {
        for (const chunk of splitter.push(piece)) {
          fromByte += frameOverheadBytes + chunk.length
          yield chunk
        }
      }
      splitter.end()
      if (fromByte >= manifest.bytes) return
    } catch (error) {
      if (resumes >= maxResumes || signal.aborted) throw error
    }
  }
}

const frameOverheadBytes = frameChunk(new Uint8Array(0)).length
