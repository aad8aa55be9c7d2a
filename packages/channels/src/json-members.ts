import {
  backslash,
  closeArray,
  closeObject,
  colon,
  comma,
  isBlank,
  openArray,
  openObject,
  parseJsonBytes,
  quote,
} from './json-bytes.ts'

/**
 * Where the top-level members of a whole JSON object lie, byte by byte, after checking that the text is JSON (RFC 8259)
 * to its end. Iterative: nesting is limited by the body's size alone, so that no caller can hide a member from a rule by
 * nesting deeply elsewhere.
 */
export type JsonMember = { name: string; valueStart: number; valueEnd: number }
export type JsonObjectLayout = { members: readonly JsonMember[]; openAt: number }

/** Null when the bytes are not exactly one well-formed object (a byte order mark before it is allowed). */
export function layOutObject(bytes: Uint8Array): JsonObjectLayout | null {
  const hasMark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf
  const openAt = skipBlanks(bytes, hasMark ? 3 : 0)
  if (bytes[openAt] !== openObject) return null
  const members: JsonMember[] = []
  let at = skipBlanks(bytes, openAt + 1)
  if (bytes[at] === closeObject) return isAtEnd(bytes, at + 1) ? { members, openAt } : null
  for (;;) {
    const valueStart = skipName(bytes, at)
    if (valueStart === -1) return null
    const valueEnd = skipValue(bytes, valueStart)
    if (valueEnd === -1) return null
    members.push({ name: nameAt(bytes, at), valueStart, valueEnd })
    at = skipBlanks(bytes, valueEnd)
    if (bytes[at] === closeObject) return isAtEnd(bytes, at + 1) ? { members, openAt } : null
    if (bytes[at] !== comma) return null
    at = skipBlanks(bytes, at + 1)
  }
}

function nameAt(bytes: Uint8Array, at: number): string {
  return String(parseJsonBytes(bytes.subarray(at, skipString(bytes, at))))
}

function isAtEnd(bytes: Uint8Array, at: number): boolean {
  return skipBlanks(bytes, at) === bytes.length
}

function skipBlanks(bytes: Uint8Array, from: number): number {
  let at = from
  while (isBlank(bytes[at])) at++
  return at
}

/** Behind name, colon and blanks, where the value begins; -1 = malformed. */
function skipName(bytes: Uint8Array, from: number): number {
  if (bytes[from] !== quote) return -1
  const end = skipString(bytes, from)
  if (end === -1) return -1
  const at = skipBlanks(bytes, end)
  return bytes[at] === colon ? skipBlanks(bytes, at + 1) : -1
}

/** Open containers, innermost last: true = object. */
function skipValue(bytes: Uint8Array, from: number): number {
  const open: boolean[] = []
  let at = from
  for (;;) {
    at = enterValue(bytes, at, open)
    if (at === -1) return -1
    if (at < -1) {
      at = -at
      continue
    }
    at = leaveContainers(bytes, at, open)
    if (at === -1 || open.length === 0) return at
  }
}

/** Behind a scalar or an empty container; the negated position of the first value of a container that is not empty. */
function enterValue(bytes: Uint8Array, at: number, open: boolean[]): number {
  const byte = bytes[at]
  if (byte !== openObject && byte !== openArray) return skipScalar(bytes, at)
  const isObject = byte === openObject
  const inside = skipBlanks(bytes, at + 1)
  if (bytes[inside] === (isObject ? closeObject : closeArray)) return inside + 1
  open.push(isObject)
  if (!isObject) return -inside
  const value = skipName(bytes, inside)
  return value === -1 ? -1 : -value
}

/** From behind a value to where the next one begins, or behind the outermost container when `open` is empty. */
function leaveContainers(bytes: Uint8Array, from: number, open: boolean[]): number {
  let at = from
  while (open.length > 0) {
    at = skipBlanks(bytes, at)
    const isObject = open.at(-1)!
    if (bytes[at] === comma) {
      at = skipBlanks(bytes, at + 1)
      return isObject ? skipName(bytes, at) : at
    }
    if (bytes[at] !== (isObject ? closeObject : closeArray)) return -1
    open.pop()
    at++
  }
  return at
}

function skipScalar(bytes: Uint8Array, at: number): number {
  const byte = bytes[at]
  if (byte === quote) return skipString(bytes, at)
  if (byte === 0x74) return skipLiteral(bytes, at, 'true')
  if (byte === 0x66) return skipLiteral(bytes, at, 'false')
  if (byte === 0x6e) return skipLiteral(bytes, at, 'null')
  return skipNumber(bytes, at)
}

function skipLiteral(bytes: Uint8Array, at: number, literal: string): number {
  for (let index = 0; index < literal.length; index++) if (bytes[at + index] !== literal.charCodeAt(index)) return -1
  return at + literal.length
}

const shortEscapes = new Set(Array.from('"\\/bfnrt', (character) => character.charCodeAt(0)))

function skipString(bytes: Uint8Array, from: number): number {
  let at = from + 1
  for (;;) {
    const byte = bytes[at]
    if (byte === undefined || byte < 0x20) return -1
    if (byte === quote) return at + 1
    if (byte !== backslash) at++
    else if (bytes[at + 1] === 0x75 && isHex(bytes, at + 2)) at += 6
    else if (shortEscapes.has(bytes[at + 1] ?? 0)) at += 2
    else return -1
  }
}

function isHex(bytes: Uint8Array, at: number): boolean {
  for (let index = at; index < at + 4; index++) {
    const byte = (bytes[index] ?? 0) | 0x20
    if (!(isDigit(bytes[index]) || (byte >= 0x61 && byte <= 0x66))) return false
  }
  return true
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39
}

function skipDigits(bytes: Uint8Array, from: number): number {
  let at = from
  while (isDigit(bytes[at])) at++
  return at === from ? -1 : at
}

function skipNumber(bytes: Uint8Array, from: number): number {
  let at = bytes[from] === 0x2d ? from + 1 : from
  at = bytes[at] === 0x30 ? at + 1 : skipDigits(bytes, at)
  if (at !== -1 && bytes[at] === 0x2e) at = skipDigits(bytes, at + 1)
  if (at !== -1 && ((bytes[at] ?? 0) | 0x20) === 0x65) {
    const hasSign = bytes[at + 1] === 0x2b || bytes[at + 1] === 0x2d
    at = skipDigits(bytes, at + (hasSign ? 2 : 1))
  }
  return at
}
