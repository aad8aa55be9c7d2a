import type { KeyImportType } from '@gpt-load/contracts/api/task'
import { ApiProblem } from '../http/api-problem.ts'
import { keysOfLine } from '@gpt-load/contracts/parse-keys-text'
import { keyEntry, type ImportEntry } from './key-entry.ts'
import { readCsvKeys } from './read-csv-keys.ts'
import { readJsonKeys } from './read-json-keys.ts'

/**
 * A stream of any size -> keys with the line of each, one line in memory at a time. A line that cannot be read is reported
 * and left out, never quoted; only what is not UTF-8, or not of the announced type at all, refuses the whole.
 */
type Bytes = AsyncIterable<Uint8Array>
type Line = { line: number; content: string } | { line: number; problem: string }

const maxLineLength = 65_536
const tooLong = `is longer than ${maxLineLength} characters`

export function readKeyLines(bytes: Bytes, type: KeyImportType): AsyncIterable<ImportEntry> {
  return readers[type](decodeUtf8(bytes))
}

const readers: Readonly<Record<KeyImportType, (text: AsyncIterable<string>) => AsyncIterable<ImportEntry>>> = {
  'text/plain': readPlain,
  'text/csv': readCsvKeys,
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

async function* readNdjson(text: AsyncIterable<string>): AsyncGenerator<ImportEntry> {
  for await (const part of linesOf(text)) {
    if ('problem' in part) yield part
    else if (part.content.trim() !== '') yield ndjsonEntry(part)
  }
}

function ndjsonEntry({ line, content }: { line: number; content: string }): ImportEntry {
  try {
    return keyEntry(line, JSON.parse(content))
  } catch {
    return { line, problem: 'is not JSON' }
  }
}

/** Values are counted as lines are. */
async function* readJson(text: AsyncIterable<string>): AsyncGenerator<ImportEntry> {
  let line = 0
  for await (const value of readJsonKeys(text)) yield keyEntry((line += 1), value)
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
