// A sealed batch: what one Kafka record, one segment entry of the spool and one hand-over between threads holds. Sealed
// once, never changed: a resend or a replay is byte-identical, so its identity can be stored under a unique key.
//
//   "GLLB" | u8 version | u8 codec | u16 identity bytes | u32 crc32 | u32 plain bytes | identity | payload
//
// Integers are big endian; the CRC covers everything but itself. Identity and payload are protobuf messages
// (log-event.proto): they may gain fields without a new version. Opening never throws, whatever the bytes are, and
// never inflates past its bound.

import { constants, crc32, gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { logBatchBounds } from '@gpt-load/contracts/log-event'
import type { LogBatchIdentity, LogEvent } from '@gpt-load/contracts/log-event'
import { decodeLogEvent } from './decode-log-event.ts'
import { identityField, payloadEventField, wireStringBounds, wireType } from './log-event-fields.ts'
import { createReader, MalformedMessage, readLength, readMessage, readString, readVarint } from './protobuf-reader.ts'
import type { FieldReader } from './protobuf-reader.ts'
import { maxNumberFieldBytes, maxStringFieldBytes, putString, putUint } from './protobuf-writer.ts'

export const logBatchCodecs = ['none', 'gzip', 'zstd'] as const
export type LogBatchCodec = (typeof logBatchCodecs)[number]

/** `bytes` is the event alone, a view of the opened batch. */
export type DecodedLogEvent =
  | { ok: true; event: LogEvent; bytes: Uint8Array }
  | { ok: false; reason: string; bytes: Uint8Array }
/** `poison`: nothing in it can be read; the record goes to the dead letters whole. */
export type OpenedLogBatch = { identity: LogBatchIdentity; events: DecodedLogEvent[] } | { poison: string }

/** Eight times what an edge seals at (logBatchBounds.bytes): other versions may have larger bounds. */
export const maxPlainBatchBytes = 4 * 1_048_576

/** Ten times an edge's; an empty event takes two bytes, so bytes alone would not bound what is decoded. */
const maxBatchEvents = 10 * logBatchBounds.events

const magic = Buffer.from('GLLB')
const version = 1
const headerBytes = 16
const crcAt = 8
const maxIdentityBytes = 2 * maxStringFieldBytes(wireStringBounds.identity) + 2 * maxNumberFieldBytes
const zstdOptions = { params: { [constants.ZSTD_c_compressionLevel]: 1 } }
const inflateOptions = { maxOutputLength: maxPlainBatchBytes }

/**
 * `events` is the payload of a LogEventWriter that holds `identity.count` events. The answer owns its memory whole, so
 * its buffer can be transferred to another thread.
 */
export function sealLogBatch(batch: {
  identity: LogBatchIdentity
  events: Uint8Array
  codec: LogBatchCodec
}): Uint8Array<ArrayBuffer> {
  const { identity, events, codec } = batch
  if (events.length > maxPlainBatchBytes) throw new RangeError(`a batch of ${events.length} bytes cannot be sealed`)
  const head = encodeIdentity(identity)
  const payload = compress(events, codec)
  const sealed = Buffer.from(new ArrayBuffer(headerBytes + head.length + payload.length))
  magic.copy(sealed)
  sealed[4] = version
  sealed[5] = logBatchCodecs.indexOf(codec)
  sealed.writeUInt16BE(head.length, 6)
  sealed.writeUInt32BE(events.length, 12)
  sealed.set(head, headerBytes)
  sealed.set(payload, headerBytes + head.length)
  sealed.writeUInt32BE(checksum(sealed), crcAt)
  return new Uint8Array(sealed.buffer as ArrayBuffer)
}

export function openLogBatch(bytes: Uint8Array): OpenedLogBatch {
  try {
    const sealed = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const { codec, plainBytes, identityEnd } = readHeader(sealed)
    const identity = readMessage(createReader(sealed, headerBytes, identityEnd), identityReaders, emptyIdentity())
    const payload = inflate(sealed.subarray(identityEnd), codec)
    if (payload.length !== plainBytes) return { poison: 'the payload has another length than the header says' }
    const events = readEvents(payload, identity.count)
    if (events.length !== identity.count) {
      return { poison: `the batch holds ${events.length} events and says ${identity.count}` }
    }
    return { identity, events }
  } catch (error) {
    return { poison: error instanceof Error ? error.message : 'unreadable' }
  }
}

function readHeader(sealed: Buffer): { codec: LogBatchCodec; plainBytes: number; identityEnd: number } {
  if (sealed.length < headerBytes || !sealed.subarray(0, 4).equals(magic)) throw new MalformedMessage('not a log batch')
  if (sealed[4] !== version) throw new MalformedMessage(`batch version ${sealed[4]} is not known`)
  const codec = logBatchCodecs[sealed[5] ?? -1]
  if (!codec) throw new MalformedMessage(`codec ${sealed[5]} is not known`)
  const identityEnd = headerBytes + sealed.readUInt16BE(6)
  if (identityEnd > sealed.length) throw new MalformedMessage('the header is cut off')
  if (sealed.readUInt32BE(crcAt) !== checksum(sealed)) throw new MalformedMessage('the checksum does not match')
  return { codec, plainBytes: sealed.readUInt32BE(12), identityEnd }
}

/** One bad event is reported alone; only broken framing spoils the batch. */
function readEvents(payload: Buffer, count: number): DecodedLogEvent[] {
  if (count > maxBatchEvents) throw new MalformedMessage(`a batch cannot hold ${count} events`)
  const draft: DraftEvents = { events: [], count }
  return readMessage(createReader(payload), payloadReaders, draft).events
}

type DraftEvents = { events: DecodedLogEvent[]; count: number }

const payloadReaders: FieldReader<DraftEvents>[] = []
payloadReaders[payloadEventField] = {
  type: wireType.bytes,
  read({ events, count }, reader) {
    if (events.length === count) throw new MalformedMessage(`the batch holds more events than the ${count} it says`)
    const end = readLength(reader)
    events.push(decodeOne(reader.buffer, reader.at, end))
    reader.at = end
  },
}

function decodeOne(buffer: Buffer, start: number, end: number): DecodedLogEvent {
  const bytes = buffer.subarray(start, end)
  try {
    return { ok: true, event: decodeLogEvent(buffer, start, end), bytes }
  } catch (error) {
    if (!(error instanceof MalformedMessage)) throw error
    return { ok: false, reason: error.message, bytes }
  }
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
  if (codec === 'zstd') return zstdCompressSync(plain, zstdOptions)
  return codec === 'gzip' ? gzipSync(plain, { level: 1 }) : plain
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
