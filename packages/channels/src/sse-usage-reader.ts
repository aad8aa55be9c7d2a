import type { TokenUsage } from '@gpt-load/contracts/log-event'
import type { UsageReader } from './channel.ts'
import { EventLedger } from './event-ledger.ts'
import { parseJsonBytes } from './json-bytes.ts'
import type { JsonPathScanner } from './json-path-scanner.ts'
import { objectOf } from './json-value.ts'
import { createEventScanner } from './json-usage-reader.ts'
import { PartialLine } from './partial-line.ts'
import type { StreamError, UsageDialect } from './usage-dialect.ts'

/**
 * Reads usage from a server-sent event stream in pieces of any size. One `data:` line is one event, as every provider
 * sends it. After the first content only events that can matter are parsed (those that name usage or an error): they are
 * searched for in all the lines of a piece at once, and, since they are the last ones of a stream, at the end of what has come at
 * once only. A line longer than `maxLineBytes` is scanned, not held.
 */
export const maxLineBytes = 65_536

/**
 * Of what has come at once the whole lines of the last so many bytes, and the one before them, are searched. Behind usage and
 * errors providers send `[DONE]` or `message_stop`. A fast stream has eight times as much in a read.
 */
const searchedBytes = 32_768

/** Searched for one name and then for the other: what fits the nearest cache is fetched once for both. */
const blockBytes = 16_384

const newline = 0x0a
const dataField = Buffer.from('data:')
/**
 * Names without their first characters: a native search stops at every byte that is like the first one, and quotes and the
 * letter e are every fifth byte of an event. What is left off is compared afterwards.
 */
const usageMark = Buffer.from('usage')
const usageIsNull = Buffer.from('"usage":null')
const errorMark = Buffer.from('rror"')
const errorName = Buffer.from('"error"')
const quote = 0x22

export class SseUsageReader implements UsageReader {
  readonly #dialect: UsageDialect
  readonly #ledger: EventLedger
  readonly #partial = new PartialLine()
  /** Set while inside a line that is too long to hold. */
  #longLine: JsonPathScanner | null = null

  constructor(dialect: UsageDialect) {
    this.#dialect = dialect
    this.#ledger = new EventLedger(dialect)
  }

  push(chunk: Uint8Array, behind: number): void {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    const isAtLine = this.#partial.length === 0 && this.#longLine === null
    let from = isAtLine && this.#ledger.hasContent ? this.#skim(bytes, 0, behind) : 0
    for (;;) {
      const end = bytes.indexOf(newline, from)
      if (end === -1) break
      this.#endLine(bytes.subarray(from, end))
      from = end + 1
      if (this.#ledger.hasContent) {
        from = this.#skim(bytes, from, behind)
        break
      }
    }
    if (from < bytes.length) this.#keep(bytes.subarray(from))
  }

  /** Whole lines from there on, of which few matter; answers where the last one ends. */
  #skim(bytes: Buffer, from: number, behind: number): number {
    const end = bytes.lastIndexOf(newline) + 1
    const searchedFrom = bytes.length + behind - searchedBytes
    const start = searchedFrom <= from ? from : Math.max(from, bytes.lastIndexOf(newline, searchedFrom) + 1)
    for (let at = start; at < end;) {
      const blockEnd = at + blockBytes >= end ? end : bytes.indexOf(newline, at + blockBytes) + 1
      this.#skimLines(bytes.subarray(at, blockEnd))
      at = blockEnd
    }
    return Math.max(from, end)
  }

  #skimLines(lines: Buffer): void {
    let at = 0
    let usageAt = findUsage(lines, at)
    let errorAt = findError(lines, at)
    while (usageAt !== lines.length || errorAt !== lines.length) {
      const hit = Math.min(usageAt, errorAt)
      const lineEnd = lines.indexOf(newline, hit)
      this.#readLine(lines.subarray(lines.lastIndexOf(newline, hit) + 1, lineEnd))
      at = lineEnd + 1
      if (usageAt < at) usageAt = findUsage(lines, at)
      if (errorAt < at) errorAt = findError(lines, at)
    }
  }

  usage(): TokenUsage {
    return this.#ledger.usage
  }

  hasContent(): boolean {
    return this.#ledger.hasContent
  }

  streamError(): StreamError | null {
    return this.#ledger.error
  }

  #keep(piece: Uint8Array): void {
    if (this.#longLine !== null) return this.#longLine.push(piece)
    this.#partial.push(piece)
    if (this.#partial.length > maxLineBytes) this.#startLongLine()
  }

  #startLongLine(): void {
    const payload = payloadOf(this.#partial.end())
    this.#longLine = createEventScanner(this.#dialect, this.#ledger)
    if (payload !== null) this.#longLine.push(payload)
  }

  #endLine(rest: Buffer): void {
    if (this.#longLine !== null) {
      this.#longLine.push(rest)
      this.#longLine = null
    } else this.#readLine(this.#partial.length === 0 ? rest : this.#partial.end(rest))
  }

  #readLine(line: Buffer): void {
    const payload = payloadOf(line)
    if (payload === null) return
    if (this.#ledger.hasContent && !canMatter(payload)) return
    const event = objectOf(parseJsonBytes(payload))
    if (event !== null) this.#ledger.read(event)
  }
}

/** Null for comments, event names, ids and blank lines. A final CR is blank to the JSON parser. */
function payloadOf(line: Buffer): Buffer | null {
  if (line.length <= dataField.length) return null
  for (let index = 0; index < dataField.length; index++) if (line[index] !== dataField[index]) return null
  return line.subarray(dataField.length)
}

/** The names cannot occur inside a JSON string: there, their quotes are escaped. */
function canMatter(payload: Buffer): boolean {
  return findUsage(payload, 0) !== payload.length || findError(payload, 0) !== payload.length
}

/** Where a member `usage…` is named that is not null; the length when nowhere. */
function findUsage(bytes: Buffer, from: number): number {
  for (let at = bytes.indexOf(usageMark, from); at !== -1; at = bytes.indexOf(usageMark, at + 1))
    if (bytes[at - 1] === quote && !isAt(bytes, at - 1, usageIsNull)) return at
  return bytes.length
}

function findError(bytes: Buffer, from: number): number {
  for (let at = bytes.indexOf(errorMark, from); at !== -1; at = bytes.indexOf(errorMark, at + 1))
    if (isAt(bytes, at - 2, errorName)) return at
  return bytes.length
}

function isAt(bytes: Buffer, at: number, text: Buffer): boolean {
  if (at < 0) return false
  for (let index = 0; index < text.length; index += 1) if (bytes[at + index] !== text[index]) return false
  return true
}
