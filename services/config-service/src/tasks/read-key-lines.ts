import { pipeline } from 'node:stream'
import { Readable } from 'node:stream'
import type { KeyImportType } from '@gpt-load/contracts/api/task'
import { parse, CsvError, type Info } from 'csv-parse'
import { z } from 'zod'
import { ApiProblem } from '../http/api-problem.ts'
import { keysOfLine, type KeyLine } from '@gpt-load/contracts/parse-keys-text'
import { readJsonKeys } from './read-json-keys.ts'

/**
 * A stream of any size -> keys with the line of each, one line in memory at a time. A line that cannot be read is reported
 * and left out, never quoted; only what is not UTF-8, or not of the announced type at all, refuses the whole.
 */
export type ImportEntry = KeyLine | { line: number; problem: string }

type Bytes = AsyncIterable<Uint8Array>
type Line = { line: number; content: string } | { line: number; problem: string }

const maxLineLength = 65_536
const tooLong = `is longer than ${maxLineLength} characters`

export function readKeyLines(bytes: Bytes, type: KeyImportType): AsyncIterable<ImportEntry> {
  return readers[type](decodeUtf8(bytes))
}

const readers: Readonly<Record<KeyImportType, (text: AsyncIterable<string>) => AsyncIterable<ImportEntry>>> = {
  'text/plain': readPlain,
  'text/csv': readCsv,
  'application/x-ndjson': readNdjson,
  'application/json': readJson,
}

async function* readPlain(text: AsyncIterable<string>): AsyncGenerator<ImportEntry> {
  let isFirst = true
  for await (const part of linesOf(text)) {
    if ('problem' in part) yield part
    else if (part.content.trim() !== '') {
      // Splitting JSON at its commas would store keys with brackets and quotes.
      if (isFirst && /^\s*[[{]/.test(part.content))
        throw new ApiProblem('bad_request', 'This is JSON: send it as application/json, or as application/x-ndjson.')
      isFirst = false
      yield* keysOfLine(part.content, part.line)
    }
  }
}

const keyValueSchema = z.union([z.string(), z.object({ key: z.string() }).transform(({ key }) => key)])

async function* readNdjson(text: AsyncIterable<string>): AsyncGenerator<ImportEntry> {
  for await (const part of linesOf(text)) {
    if ('problem' in part) yield part
    else if (part.content.trim() !== '') yield ndjsonEntry(part)
  }
}

function ndjsonEntry({ line, content }: { line: number; content: string }): ImportEntry {
  try {
    return entryOf(line, JSON.parse(content))
  } catch {
    return { line, problem: 'is not JSON' }
  }
}

/** Values are counted as lines are. */
async function* readJson(text: AsyncIterable<string>): AsyncGenerator<ImportEntry> {
  let line = 0
  for await (const value of readJsonKeys(text)) yield entryOf((line += 1), value)
}

function entryOf(line: number, value: unknown): ImportEntry {
  const { success, data } = keyValueSchema.safeParse(value)
  return success ? { line, key: data } : { line, problem: 'is neither a string nor an object with a string "key"' }
}

const keyColumns: ReadonlySet<string> = new Set(['key', 'api_key', 'apikey', 'key_value', 'token'])

async function* readCsv(text: AsyncIterable<string>): AsyncGenerator<ImportEntry> {
  const parser = parse({
    info: true,
    bom: true,
    trim: true,
    skip_empty_lines: true,
    relax_column_count: true,
    relax_quotes: true,
    max_record_size: maxLineLength,
  })
  // An error of either end ends the iteration below with it.
  pipeline(Readable.from(text), parser, () => {})
  let column: number | null = null
  try {
    for await (const { record, info } of parser as AsyncIterable<{ record: string[]; info: Info }>) {
      const isHeader: boolean = column === null && record.some((name) => keyColumns.has(name.toLowerCase()))
      column ??= Math.max(
        0,
        record.findIndex((name) => keyColumns.has(name.toLowerCase())),
      )
      if (isHeader) continue
      const key = record[column] ?? ''
      yield key === '' ? { line: info.lines, problem: 'has no key in its column' } : { line: info.lines, key }
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error
    // The library's message quotes the input.
    throw new ApiProblem('bad_request', `The CSV cannot be read near line ${parser.info.lines} (${error.code}).`)
  }
}

async function* linesOf(text: AsyncIterable<string>): AsyncGenerator<Line> {
  let line = 1
  let rest = ''
  let isSkipping = false
  const take = (content: string): Line => {
    const taken = isSkipping || content.length > maxLineLength ? { line, problem: tooLong } : { line, content }
    isSkipping = false
    line += 1
    return taken
  }
  for await (const part of text) {
    const pieces = (rest + part).split(/\r\n|\n|\r(?!$)/)
    rest = pieces.pop() ?? ''
    for (const piece of pieces) yield take(piece)
    if (rest.length > maxLineLength) {
      isSkipping = true
      rest = rest.endsWith('\r') ? '\r' : ''
    }
  }
  if (rest !== '' || isSkipping) yield take(rest)
}

async function* decodeUtf8(bytes: Bytes): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  const decode = (chunk?: Uint8Array): string => {
    try {
      return decoder.decode(chunk, { stream: chunk !== undefined })
    } catch {
      throw new ApiProblem('bad_request', 'The body is not UTF-8.')
    }
  }
  for await (const chunk of bytes) yield decode(chunk)
  yield decode()
}
