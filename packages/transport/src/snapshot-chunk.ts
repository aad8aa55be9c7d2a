// Records <-> sealed chunks. A stream of chunks is what a base file, a delta answer and a stored snapshot consist of.
//
//   sealed chunk = u8 flags (bit 0: last chunk) || AES-256-GCM(zstd(NDJSON lines)) || 16-byte tag
//   nonce        = chunk index, so a content key seals exactly one stream
//   AAD          = flags || index || previous link || epoch
//   link         = SHA-256(previous link || sealed chunk); the first previous link is `chainStart`
//
// Invariant: what opens is a prefix of what was sealed, in order, under this epoch; and a stream without its last chunk
// is refused at its end. Records are not validated again: who can seal them has the content key. Length prefixes on the
// wire are chunk-splitter's affair, key wrapping content-key's.

import { createCipheriv, createDecipheriv, createHash } from 'node:crypto'
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { maxChunkBytes } from '@gpt-load/contracts/snapshot'
import type { SnapshotRecord } from '@gpt-load/contracts/snapshot'

const lastChunkFlag = 1
const flagsBytes = 1
const tagBytes = 16
const linkBytes = 32
const newline = 0x0a
/** A record of 500 keys of 4 KiB each fits eight times; more than this is not one of our records. */
const maxRecordBytes = 16 * 1_048_576
/** zstd's bound for incompressible input is below input + 1/128. */
export const maxSealedChunkBytes = maxChunkBytes + (maxChunkBytes >> 7) + 1_024
const compression = { params: { [constants.ZSTD_c_compressionLevel]: 1 } }
/** Link before the first chunk of a stream that continues nothing. */
export const emptyChain: Uint8Array = new Uint8Array(linkBytes)

export class ChunkRefused extends Error {
  override name = 'ChunkRefused'
}

export type ChunkStream = {
  /** Used for this one stream only (content-key, createContentKey). */
  contentKey: Uint8Array
  epoch: string
  chainStart?: Uint8Array
}

export interface ChunkWriter {
  /** Adds a record; answers the chunks that are full now (mostly none). */
  write(record: SnapshotRecord): Uint8Array[]
  /** The last chunk, which says that it is the last. Nothing can be written after it. */
  finish(): Uint8Array
  /** Last link over all chunks given out so far. */
  readonly chain: Uint8Array
  readonly chunkCount: number
  /** Of all chunks given out, without their length prefixes. */
  readonly sealedBytes: number
}

export function createChunkWriter(stream: ChunkStream): ChunkWriter {
  const seal = createSealer(stream)
  const plain = Buffer.allocUnsafe(maxChunkBytes)
  let used = 0
  const flush = (isLast: boolean): Uint8Array => {
    const chunk = seal.next(plain.subarray(0, used), isLast)
    used = 0
    return chunk
  }
  return {
    write(record) {
      const line = Buffer.from(`${JSON.stringify(record)}\n`)
      if (line.length > maxRecordBytes)
        throw new RangeError(`a record of ${line.length} bytes exceeds ${maxRecordBytes}`)
      const full: Uint8Array[] = []
      if (used + line.length > maxChunkBytes && used > 0) full.push(flush(false))
      let at = 0
      for (; line.length - at > maxChunkBytes; at += maxChunkBytes) {
        used = line.copy(plain, 0, at, at + maxChunkBytes)
        full.push(flush(false))
      }
      used += line.copy(plain, used, at)
      return full
    },
    finish: () => flush(true),
    get chain() {
      return seal.chain
    },
    get chunkCount() {
      return seal.count
    },
    get sealedBytes() {
      return seal.bytes
    },
  }
}

export interface ChunkOpener {
  /** The whole records that this chunk completes. Throws ChunkRefused for a chunk that does not belong here. */
  open(chunk: Uint8Array): SnapshotRecord[]
  /** Call it after the last chunk: throws ChunkRefused when chunks are missing. */
  end(): void
  readonly chain: Uint8Array
}

/** For callers that drive the loop themselves; `openChunks` for all others. */
export function createChunkOpener(stream: ChunkStream): ChunkOpener {
  const unseal = createUnsealer(stream)
  let carry: Buffer | undefined
  return {
    open(chunk) {
      const plain = unseal.next(chunk)
      const { records, rest } = parseLines(carry ? Buffer.concat([carry, plain]) : plain)
      if (rest && rest.length > maxRecordBytes) throw new ChunkRefused('a record exceeds its bound')
      carry = rest
      return records
    },
    end() {
      if (!unseal.isComplete)
        throw new ChunkRefused(`the stream ends after ${unseal.count} chunks, its last is missing`)
      if (carry) throw new ChunkRefused('the last record is cut off')
    },
    get chain() {
      return unseal.chain
    },
  }
}

/** All records in order. Throws ChunkRefused for reordered, missing, foreign or changed chunks, at the first of them. */
export async function* openChunks(
  contentKey: Uint8Array,
  epoch: string,
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  chainStart: Uint8Array = emptyChain,
): AsyncGenerator<SnapshotRecord, void, void> {
  const opener = createChunkOpener({ contentKey, epoch, chainStart })
  for await (const chunk of chunks) yield* opener.open(chunk)
  opener.end()
}

function createSealer({ contentKey, epoch, chainStart = emptyChain }: ChunkStream) {
  const sealer = { chain: chainStart, count: 0, bytes: 0, isFinished: false, next }
  function next(plain: Buffer, isLast: boolean): Uint8Array {
    if (sealer.isFinished) throw new Error('the stream of chunks is finished')
    sealer.isFinished = isLast
    const flags = isLast ? lastChunkFlag : 0
    const cipher = createCipheriv('aes-256-gcm', contentKey, nonceOf(sealer.count))
    cipher.setAAD(associatedBytes(flags, sealer.count, sealer.chain, epoch))
    const body = cipher.update(zstdCompressSync(plain, compression))
    cipher.final()
    const chunk = Buffer.concat([Uint8Array.of(flags), body, cipher.getAuthTag()])
    sealer.chain = nextLink(sealer.chain, chunk)
    sealer.count++
    sealer.bytes += chunk.length
    return chunk
  }
  return sealer
}

function createUnsealer({ contentKey, epoch, chainStart = emptyChain }: ChunkStream) {
  const unsealer = { chain: chainStart, count: 0, isComplete: false, next }
  function next(chunk: Uint8Array): Buffer {
    const at = `chunk ${unsealer.count}`
    if (unsealer.isComplete) throw new ChunkRefused(`${at} follows the last one`)
    if (chunk.length < flagsBytes + tagBytes || chunk.length > maxSealedChunkBytes) {
      throw new ChunkRefused(`${at} has an impossible length of ${chunk.length} bytes`)
    }
    const flags = chunk[0] ?? 0
    const decipher = createDecipheriv('aes-256-gcm', contentKey, nonceOf(unsealer.count))
    decipher.setAAD(associatedBytes(flags, unsealer.count, unsealer.chain, epoch))
    decipher.setAuthTag(chunk.subarray(-tagBytes))
    const packed = decipher.update(chunk.subarray(flagsBytes, -tagBytes))
    try {
      decipher.final()
    } catch {
      throw new ChunkRefused(`${at} is out of order, belongs to another snapshot or was changed`)
    }
    unsealer.chain = nextLink(unsealer.chain, chunk)
    unsealer.count++
    unsealer.isComplete = (flags & lastChunkFlag) !== 0
    return zstdDecompressSync(packed, { maxOutputLength: maxChunkBytes })
  }
  return unsealer
}

function parseLines(text: Buffer): { records: SnapshotRecord[]; rest: Buffer | undefined } {
  const records: SnapshotRecord[] = []
  let start = 0
  for (let end = text.indexOf(newline); end !== -1; end = text.indexOf(newline, start)) {
    records.push(JSON.parse(text.toString('utf8', start, end)) as SnapshotRecord)
    start = end + 1
  }
  return { records, rest: start < text.length ? text.subarray(start) : undefined }
}

function nonceOf(index: number): Buffer {
  const nonce = Buffer.alloc(12)
  nonce.writeUInt32BE(index, 8)
  return nonce
}

function associatedBytes(flags: number, index: number, previousLink: Uint8Array, epoch: string): Buffer {
  const head = Buffer.alloc(5)
  head[0] = flags
  head.writeUInt32BE(index, 1)
  return Buffer.concat([head, previousLink, Buffer.from(epoch)])
}

function nextLink(previousLink: Uint8Array, chunk: Uint8Array): Uint8Array {
  return createHash('sha256').update(previousLink).update(chunk).digest()
}
