import { space, tab } from './byte-classes.ts'
import { UnwritableHeadError } from './http1-error.ts'
import { writeLatin1 } from './latin1.ts'

/**
 * Heads as we write them, with the first bytes of the body in one buffer: one write, one packet. Text is latin1, one byte per
 * character. What is written is checked as bytes, not as text: a character past 0xff becomes another one on the wire (U+010A
 * would be LF). A head holds exactly the line ends that were put there, or UnwritableHeadError is thrown.
 *
 * Names are not checked further: they come out of a parser, or out of configuration that was.
 */
export type ConnectionField = '' | 'close' | 'keep-alive'

/** `contentLength`: -1 = chunked, then `body` goes out as its first chunk; 0 = no body. `body` null = comes later, or none. */
export function requestBytes(
  method: string,
  target: string,
  rawHeaders: readonly string[],
  contentLength: number,
  body: Uint8Array | null,
): Buffer {
  if (target === '' || target.includes(' ') || method.includes(' ')) throw new UnwritableHeadError('request line')
  let head = `${method} ${target} HTTP/1.1\r\n${fieldLines(rawHeaders)}`
  let lines = 2 + rawHeaders.length / 2
  if (contentLength === -1) head += 'Transfer-Encoding: chunked\r\n'
  else if (contentLength > 0 || isUsuallyWithBody(method)) head += `Content-Length: ${contentLength}\r\n`
  else lines -= 1
  return assemble(`${head}\r\n`, lines + 1, body, contentLength === -1)
}

/**
 * `isChunked` adds Transfer-Encoding and makes `body` the first chunk; a length, if any, is in `rawHeaders`. `date` and
 * `connection` '' = no such field. Bodies that a HEAD, 204, 304 or 1xx must not have are the caller's to leave out.
 */
export function responseBytes(
  status: number,
  reason: string,
  rawHeaders: readonly string[],
  isChunked: boolean,
  connection: ConnectionField,
  date: string,
  body: Uint8Array | null,
): Buffer {
  if (!(status >= 100 && status <= 999)) throw new UnwritableHeadError('status line')
  let head = `HTTP/1.1 ${status} ${reason}\r\n${fieldLines(rawHeaders)}`
  let lines = 2 + rawHeaders.length / 2
  if (date !== '') {
    head += `Date: ${date}\r\n`
    lines += 1
  }
  if (connection !== '') {
    head += `Connection: ${connection}\r\n`
    lines += 1
  }
  if (isChunked) {
    head += 'Transfer-Encoding: chunked\r\n'
    lines += 1
  }
  return assemble(`${head}\r\n`, lines, body, isChunked)
}

/** A chunk in its frame; no bytes at all for an empty one, which would end the body. */
export function chunkBytes(payload: Uint8Array): Buffer {
  return assemble('', 0, payload, true)
}

/** A chunk in its frame at the beginning of `target`, which has room for it; answers its length. */
export function putChunk(target: Buffer, payload: Uint8Array): number {
  const head = target.write(`${payload.length.toString(16)}\r\n`, 'latin1')
  const end = head + payload.length
  target.set(payload, head)
  target[end] = 13
  target[end + 1] = 10
  return end + 2
}

/** Of a chunk's head without zeros in front. */
export const chunkHeadLength = (length: number): number => length.toString(16).length + 2

const hexDigits = Buffer.from('0123456789abcdef')

/** The head of a chunk between `from` and `to`, at least `chunkHeadLength` apart: zeros fill the rest (RFC 9112 7.1 allows them). */
export function putChunkHead(target: Buffer, from: number, to: number, length: number): void {
  target[to - 1] = 10
  target[to - 2] = 13
  for (let at = to - 3, rest = length; at >= from; at -= 1, rest >>>= 4) target[at] = hexDigits[rest & 15]!
}

/** Frame of a chunk whose payload is written by itself: head, payload, `chunkEnd`. */
export function chunkHeadBytes(length: number): Buffer {
  return headBytes(`${length.toString(16)}\r\n`, 1)
}
export const chunkEnd = Buffer.from('\r\n')

const lastChunk = Buffer.from('0\r\n\r\n')

/** The end of a chunked body, with its trailers. */
export function lastChunkBytes(rawTrailers: readonly string[] = []): Buffer {
  if (rawTrailers.length === 0) return lastChunk
  return headBytes(`0\r\n${fieldLines(rawTrailers)}\r\n`, 2 + rawTrailers.length / 2)
}

function fieldLines(rawHeaders: readonly string[]): string {
  let lines = ''
  for (let index = 0; index < rawHeaders.length; index += 2)
    lines += `${rawHeaders[index]!}: ${rawHeaders[index + 1]!}\r\n`
  return lines
}

function isUsuallyWithBody(method: string): boolean {
  return method === 'POST' || method === 'PUT' || method === 'PATCH'
}

function headBytes(head: string, lines: number): Buffer {
  const bytes = Buffer.allocUnsafe(head.length)
  putHead(bytes, head, lines)
  return bytes
}

function assemble(head: string, lines: number, body: Uint8Array | null, isChunked: boolean): Buffer {
  if (body === null || body.length === 0) return headBytes(head, lines)
  if (!isChunked) {
    const bytes = Buffer.allocUnsafe(head.length + body.length)
    putHead(bytes, head, lines)
    bytes.set(body, head.length)
    return bytes
  }
  const framed = `${head}${body.length.toString(16)}\r\n`
  const bytes = Buffer.allocUnsafe(framed.length + body.length + 2)
  putHead(bytes, framed, lines + 1)
  bytes.set(body, framed.length)
  bytes[bytes.length - 2] = 13
  bytes[bytes.length - 1] = 10
  return bytes
}

function putHead(bytes: Buffer, head: string, lines: number): void {
  writeLatin1(bytes, head, 0)
  let controls = 0
  // The sign bit, not a branch: a third of the time. Tabs count too, so a surplus is looked at again.
  for (let at = 0; at < head.length; at += 1) controls += (bytes[at]! - space) >>> 31
  if (controls !== lines * 2 && controls - tabsIn(bytes, head.length) !== lines * 2)
    throw new UnwritableHeadError('header')
}

function tabsIn(bytes: Buffer, end: number): number {
  let tabs = 0
  for (let at = 0; at < end; at += 1) if (bytes[at] === tab) tabs += 1
  return tabs
}
