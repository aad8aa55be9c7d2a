// Protobuf wire format into a buffer with room for the worst case, which callers see to: the put functions below do not
// check it. No allocation per field or per event.

import { wireType } from './log-event-fields.ts'

export type ProtobufWriter = { buffer: Buffer; length: number }

const maxSafeVarintBytes = 8
/** Up to this many UTF-16 units a loop beats the call into the native encoder; with 32 an event took twice the time. */
const shortStringUnits = 16
/** A UTF-16 unit that is no surrogate. */
export const maxUnitBytes = 3
/** A varint of at most this many bits needs no arithmetic beyond 32 bits. */
const max31Bits = 0x7fff_ffff
/** Of a larger one: four bytes of it. */
const lowBytes = 4
const lowPart = 128 ** lowBytes

/** Worst cases: tag of two bytes and a number; tag, length of two bytes, the string. */
export const maxNumberFieldBytes = 2 + maxSafeVarintBytes
export const maxStringFieldBytes = (maxBytes: number): number => 4 + maxBytes

/** Leaves out 0 and everything that is not a positive number. */
export function putUint(writer: ProtobufWriter, field: number, value: number): void {
  if (!(value > 0)) return
  putTag(writer, field, wireType.varint)
  putVarint(writer, value)
}

/** Writes 0 too; leaves out negative numbers, which mean absent. */
export function putOptionalUint(writer: ProtobufWriter, field: number, value: number): void {
  if (!(value >= 0)) return
  putTag(writer, field, wireType.varint)
  putVarint(writer, value)
}

/** Cut at the last character that fits; lone surrogates become U+FFFD. `maxBytes` is below 16,384. */
export function putString(writer: ProtobufWriter, field: number, value: string, maxBytes: number): void {
  if (!value) return
  putTag(writer, field, wireType.bytes)
  const start = writer.length + 1
  const written = writeShort(writer.buffer, start, value, maxBytes)
  const bytes = written >= 0 ? written : writeUtf8(writer.buffer, value, start, maxBytes)
  if (bytes < 128) {
    writer.buffer[start - 1] = bytes
  } else {
    writer.buffer.copyWithin(start + 1, start, start + bytes)
    writer.buffer[start - 1] = (bytes & 127) | 128
    writer.buffer[start] = bytes >> 7
  }
  writer.length = start + bytes + (bytes < 128 ? 0 : 1)
}

/**
 * Opens a nested message whose length is not known yet; `endMessage` fills it in. The length is a varint padded to
 * three bytes, which every protobuf reader takes: messages below 2 MiB need no second pass.
 */
export function beginMessage(writer: ProtobufWriter, field: number): number {
  putTag(writer, field, wireType.bytes)
  writer.length += 3
  return writer.length
}

export function endMessage(writer: ProtobufWriter, start: number): void {
  const bytes = writer.length - start
  writer.buffer[start - 3] = (bytes & 127) | 128
  writer.buffer[start - 2] = ((bytes >> 7) & 127) | 128
  writer.buffer[start - 1] = (bytes >> 14) & 127
}

/** Tag of field and wire type (two bytes with room for the number) and three bytes of length. */
export const messageOverheadBytes = 5

export function putTag(writer: ProtobufWriter, field: number, type: number): void {
  const tag = (field << 3) | type
  if (tag < 128) {
    writer.buffer[writer.length++] = tag
  } else {
    writer.buffer[writer.length++] = (tag & 127) | 128
    writer.buffer[writer.length++] = tag >> 7
  }
}

function putVarint(writer: ProtobufWriter, value: number): void {
  const whole = value | 0
  if (whole === value && whole >= 0) putSmall(writer, whole)
  else putLarge(writer, value)
}

function putSmall(writer: ProtobufWriter, value: number): void {
  const { buffer } = writer
  let at = writer.length
  for (; value > 127; value >>>= 7) buffer[at++] = (value & 127) | 128
  buffer[at++] = value
  writer.length = at
}

/** What is no whole number of 31 bits: rounded; times in milliseconds take two parts, each within 32 bits. */
function putLarge(writer: ProtobufWriter, value: number): void {
  const whole = value <= Number.MAX_SAFE_INTEGER ? Math.round(value) : Number.MAX_SAFE_INTEGER
  if (whole <= max31Bits) return putSmall(writer, whole)
  const { buffer } = writer
  const high = Math.floor(whole / lowPart)
  let low = whole - high * lowPart
  for (let index = 0; index < lowBytes; index += 1, low >>>= 7) buffer[writer.length++] = (low & 127) | 128
  putVarint(writer, high)
}

/** Bytes written; -1 when the string is long, may not fit or has surrogates. */
function writeShort(buffer: Buffer, start: number, value: string, maxBytes: number): number {
  // Text that V8 knows to be text: slices, constants and built strings differ inside, and `length` would look up which one it is.
  const text = `${value}`
  if (text.length > shortStringUnits || text.length * maxUnitBytes > maxBytes) return -1
  return writeUnits(buffer, start, text)
}

/** Bytes written; -1 when the text has surrogates. For short ones: a native encoder is faster else. */
export function writeUnits(buffer: Buffer, start: number, text: string): number {
  const units = text.length
  let at = start
  for (let index = 0; index < units; index += 1) {
    const unit = text.charCodeAt(index)
    if (unit < 0x80) buffer[at++] = unit
    else if (unit < 0x800) {
      buffer[at++] = 0xc0 | (unit >> 6)
      buffer[at++] = 0x80 | (unit & 63)
    } else if (unit < 0xd800 || unit > 0xdfff) {
      buffer[at++] = 0xe0 | (unit >> 12)
      buffer[at++] = 0x80 | ((unit >> 6) & 63)
      buffer[at++] = 0x80 | (unit & 63)
    } else return -1
  }
  return at - start
}

/** `buffer.write` behind a few checks of its arguments; it has no type. Whole characters only. */
function writeUtf8(buffer: Buffer, text: string, start: number, maxBytes: number): number {
  return (buffer as Buffer & { utf8Write(text: string, start: number, length: number): number }).utf8Write(
    text,
    start,
    maxBytes,
  )
}
