// Chunks on the wire: `u32 length (big endian) || bytes`, one after the other. The splitter takes whatever pieces a
// streamed HTTP body arrives in and holds at most one chunk.

import { ChunkRefused, maxSealedChunkBytes } from './snapshot-chunk.ts'

const prefixBytes = 4

export function frameChunk(chunk: Uint8Array): Buffer {
  const framed = Buffer.allocUnsafe(prefixBytes + chunk.length)
  framed.writeUInt32BE(chunk.length)
  framed.set(chunk, prefixBytes)
  return framed
}

export interface ChunkSplitter {
  /** The chunks that this piece completes. Throws ChunkRefused for a length that no chunk can have. */
  push(piece: Uint8Array): Uint8Array[]
  /** Throws ChunkRefused when the body ended in the middle of a chunk. */
  end(): void
}

export function createChunkSplitter(): ChunkSplitter {
  const prefix = Buffer.alloc(prefixBytes)
  let prefixUsed = 0
  let chunk: Buffer | undefined
  let used = 0
  /** Takes from `piece` at `at`; answers where to go on. */
  const take = (piece: Uint8Array, at: number): number => {
    if (!chunk) {
      prefix[prefixUsed++] = piece[at] ?? 0
      if (prefixUsed === prefixBytes) chunk = Buffer.allocUnsafeSlow(checkedLength(prefix.readUInt32BE()))
      return at + 1
    }
    const part = piece.subarray(at, at + chunk.length - used)
    chunk.set(part, used)
    used += part.length
    return at + part.length
  }
  return {
    push(piece) {
      const chunks: Uint8Array[] = []
      for (let at = 0; at < piece.length;) {
        at = take(piece, at)
        if (!chunk || used < chunk.length) continue
        chunks.push(chunk)
        chunk = undefined
        prefixUsed = used = 0
      }
      return chunks
    },
    end() {
      if (prefixUsed > 0) throw new ChunkRefused('the body ends in the middle of a chunk')
    },
  }
}

/** Splits a streamed body; ends with ChunkRefused when the body is cut off. */
export async function* splitChunks(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  const splitter = createChunkSplitter()
  for await (const piece of body) yield* splitter.push(piece)
  splitter.end()
}

function checkedLength(length: number): number {
  if (length === 0 || length > maxSealedChunkBytes) throw new ChunkRefused(`a chunk cannot have ${length} bytes`)
  return length
}
