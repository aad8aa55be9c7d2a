// Protobuf wire format from bytes that nobody has to trust: every read is bounded by `end`, nothing is allocated by a
// length that was merely claimed, and what is malformed throws MalformedMessage, which log-batch turns into a value.

import { wireType } from './log-event-fields.ts'

export type ProtobufReader = { readonly buffer: Buffer; at: number; end: number }

export class MalformedMessage extends Error {
  override name = 'MalformedMessage'
}

const maxVarintBytes = 10
const utf8ContinuationMask = 0xc0
const utf8Continuation = 0x80

export function createReader(buffer: Buffer, at = 0, end = buffer.length): ProtobufReader {
  return { buffer, at, end }
}

export function readVarint(reader: ProtobufReader): number {
  let value = 0
  let scale = 1
  for (let i = 0; i < maxVarintBytes; i++) {
    if (reader.at >= reader.end) throw new MalformedMessage('a number is cut off')
    const byte = reader.buffer[reader.at++] ?? 0
    value += (byte & 127) * scale
    if (byte < 128) {
      if (value > Number.MAX_SAFE_INTEGER) throw new MalformedMessage('a number exceeds 2^53 - 1')
      return value
    }
    scale *= 128
  }
  throw new MalformedMessage('a number has more than ten bytes')
}

/** Position behind a length-delimited value; `reader.at` stands at its first byte afterwards. */
export function readLength(reader: ProtobufReader): number {
  const length = readVarint(reader)
  const end = reader.at + length
  if (end > reader.end) throw new MalformedMessage('a length exceeds its message')
  return end
}

/** Cut at `maxBytes`, on the boundary of a character; invalid UTF-8 becomes U+FFFD. */
export function readString(reader: ProtobufReader, maxBytes: number): string {
  const end = readLength(reader)
  const start = reader.at
  reader.at = end
  if (end - start <= maxBytes) return reader.buffer.toString('utf8', start, end)
  let cut = start + maxBytes
  while (cut > start && ((reader.buffer[cut] ?? 0) & utf8ContinuationMask) === utf8Continuation) cut--
  return reader.buffer.toString('utf8', start, cut)
}

export function skipField(reader: ProtobufReader, type: number): void {
  if (type === wireType.varint) readVarint(reader)
  else if (type === wireType.bytes) reader.at = readLength(reader)
  else if (type === wireType.fixed64) reader.at += 8
  else if (type === wireType.fixed32) reader.at += 4
  else throw new MalformedMessage(`wire type ${type} is not known`)
  if (reader.at > reader.end) throw new MalformedMessage('a field is cut off')
}

/** How a field that we know is read into `target`. */
export type FieldReader<T> = { type: number; read: (target: T, reader: ProtobufReader) => void }

/** Reads up to `reader.end`. Unknown fields are skipped; a known one of another wire type is malformed. */
export function readMessage<T>(reader: ProtobufReader, fields: readonly (FieldReader<T> | undefined)[], target: T): T {
  while (reader.at < reader.end) {
    const tag = readVarint(reader)
    const type = tag & 7
    const number = Math.floor(tag / 8)
    if (number === 0) throw new MalformedMessage('field number 0')
    const field = fields[number]
    if (!field) skipField(reader, type)
    else if (field.type !== type) throw new MalformedMessage(`field ${number} has wire type ${type}`)
    else field.read(target, reader)
  }
  return target
}
