// The envelope of what one Kafka record, one segment entry of the spool and one hand-over between threads holds. Sealed
// once, never changed: a resend or a replay is byte-identical, so its identity can be stored under a unique key.
//
//   magic (4) | u8 version | u8 codec | u16 identity bytes | u32 crc32 | u32 plain bytes | identity | payload
//
// Integers are big endian; the CRC covers everything but itself. The magic says what the payload is; the identity is a
// protobuf message (log-event.proto) and may gain fields without a new version. Opening never inflates past its bound.

import { constants, crc32, gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import type { LogBatchIdentity } from '@gpt-load/contracts/log-event'
import { identityField, wireStringBounds, wireType } from './log-event-fields.ts'
import { createReader, MalformedMessage, readMessage, readString, readVarint } from './protobuf-reader.ts'
import type { FieldReader } from './protobuf-reader.ts'
import { maxNumberFieldBytes, maxStringFieldBytes, putString, putUint } from './protobuf-writer.ts'

export const logBatchCodecs = ['none', 'gzip', 'zstd'] as const
export type LogBatchCodec = (typeof logBatchCodecs)[number]

/** `GLLB`: events (log-batch.ts); `GLLC`: contents (content-batch.ts). */
export type BatchMagic = 'GLLB' | 'GLLC'

/** Six times what an edge seals at (logBatchBounds.bytes): other versions may have larger bounds. */
export const maxPlainBatchBytes = 4 * 1_048_576

const version = 1
const headerBytes = 16
const crcAt = 8
const maxIdentityBytes = 2 * maxStringFieldBytes(wireStringBounds.identity) + 2 * maxNumberFieldBytes
const zstdParams = { [constants.ZSTD_c_compressionLevel]: 1 }
const inflateOptions = { maxOutputLength: maxPlainBatchBytes }

/** The answer owns its memory whole, so its buffer can be transferred to another thread. */
export function sealBatch(
  magic: BatchMagic,
  batch: { identity: LogBatchIdentity; payload: Uint8Array; codec: LogBatchCodec },
): Uint8Array<ArrayBuffer> {
  const { identity, codec } = batch
  if (batch.payload.length > maxPlainBatchBytes)
    throw new RangeError(`a batch of ${batch.payload.length} bytes cannot be sealed`)
  const head = encodeIdentity(identity)
  const payload = compress(batch.payload, codec)
  const sealed = Buffer.from(new ArrayBuffer(headerBytes + head.length + payload.length))
  sealed.write(magic, 'latin1')
  sealed[4] = version
  sealed[5] = logBatchCodecs.indexOf(codec)
  sealed.writeUInt16BE(head.length, 6)
  sealed.writeUInt32BE(batch.payload.length, 12)
  sealed.set(head, headerBytes)
  sealed.set(payload, headerBytes + head.length)
  if (codec === 'zstd') giveBack(payload, batch.payload.length)
  sealed.writeUInt32BE(checksum(sealed), crcAt)
  return new Uint8Array(sealed.buffer as ArrayBuffer)
}

/** Throws whatever is wrong with the bytes. */
export function openBatch(magic: BatchMagic, bytes: Uint8Array): { identity: LogBatchIdentity; payload: Buffer } {
  const sealed = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const { codec, plainBytes, identityEnd } = readHeader(magic, sealed)
  const identity = readMessage(createReader(sealed, headerBytes, identityEnd), identityReaders, emptyIdentity())
  const payload = inflate(sealed.subarray(identityEnd), codec)
  if (payload.length !== plainBytes) throw new MalformedMessage('the payload has another length than the header says')
  return { identity, payload }
}

function readHeader(
  magic: BatchMagic,
  sealed: Buffer,
): { codec: LogBatchCodec; plainBytes: number; identityEnd: number } {
  if (sealed.length < headerBytes || sealed.toString('latin1', 0, 4) !== magic)
    throw new MalformedMessage('not a log batch')
  if (sealed[4] !== version) throw new MalformedMessage(`batch version ${sealed[4]} is not known`)
  const codec = logBatchCodecs[sealed[5] ?? -1]
  if (!codec) throw new MalformedMessage(`codec ${sealed[5]} is not known`)
  const identityEnd = headerBytes + sealed.readUInt16BE(6)
  if (identityEnd > sealed.length) throw new MalformedMessage('the header is cut off')
  if (sealed.readUInt32BE(crcAt) !== checksum(sealed)) throw new MalformedMessage('the checksum does not match')
  return { codec, plainBytes: sealed.readUInt32BE(12), identityEnd }
}

function encodeIdentity(identity: LogBatchIdentity): Uint8Array {
  const writer = { buffer: Buffer.alloc(maxIdentityBytes), length: 0 }
  putString(writer, identityField.source, identity.source, wireStringBounds.identity)
  putString(writer, identityField.edge, identity.edge, wireStringBounds.identity)
  putUint(writer, identityField.firstSequence, identity.firstSequence)
  putUint(writer, identityField.count, identity.count)
  return writer.buffer.subarray(0, writer.length)
}

const emptyIdentity = (): LogBatchIdentity => ({ source: '', edge: '', firstSequence: 0, count: 0 })
const identityReaders: FieldReader<LogBatchIdentity>[] = []
identityReaders[identityField.source] = {
  type: wireType.bytes,
  read: (identity, reader) => void (identity.source = readString(reader, wireStringBounds.identity)),
}
identityReaders[identityField.edge] = {
  type: wireType.bytes,
  read: (identity, reader) => void (identity.edge = readString(reader, wireStringBounds.identity)),
}
identityReaders[identityField.firstSequence] = {
  type: wireType.varint,
  read: (identity, reader) => void (identity.firstSequence = readVarint(reader)),
}
identityReaders[identityField.count] = {
  type: wireType.varint,
  read: (identity, reader) => void (identity.count = readVarint(reader)),
}

function compress(plain: Uint8Array, codec: LogBatchCodec): Uint8Array {
  if (codec === 'zstd') return zstdCompressSync(plain, { params: zstdParams, chunkSize: zstdBound(plain.length) })
  return codec === 'gzip' ? gzipSync(plain, { level: 1 }) : plain
}

/**
 * The memory that `compress` has worked in, at once: a busy edge would have the collector mark its heap for it several times a
 * second. Small pieces come from a pool that all buffers share, so only what has exactly the length that was asked for.
 */
function giveBack({ buffer }: Uint8Array, workedOn: number): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === zstdBound(workedOn)) buffer.transfer(0)
}

/** ZSTD_COMPRESSBOUND: with room for the worst case zstd works in one go, without copies of its own of what it reads and writes. */
function zstdBound(length: number): number {
  return length + (length >> 8) + (length < 131_072 ? (131_072 - length) >> 11 : 0) + 64
}

function inflate(packed: Buffer, codec: LogBatchCodec): Buffer {
  if (codec === 'zstd') return zstdDecompressSync(packed, inflateOptions)
  if (codec === 'gzip') return gunzipSync(packed, inflateOptions)
  if (packed.length > maxPlainBatchBytes) throw new MalformedMessage('the payload exceeds its bound')
  return packed
}

function checksum(sealed: Buffer): number {
  return crc32(sealed.subarray(crcAt + 4), crc32(sealed.subarray(0, crcAt)))
}
