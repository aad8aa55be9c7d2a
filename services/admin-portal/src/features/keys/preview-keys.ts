import { providerKeySchema } from '@gpt-load/contracts/group-shape'
import { keyHint } from '@gpt-load/contracts/key-hint'
import type { KeySource, KeySourceType } from './key-source.ts'

/**
 * What an import holds, counted in the browser before anything is sent: read as the API reads it (`read-key-lines.ts` there; a test
 * compares the two). What the group has already, only the API knows.
 */
export type ImportPreview = {
  different: number
  repeated: number
  malformed: number
  /** Masked, so that somebody who looks over the shoulder sees no key. */
  first: { line: number; hint: string; problem: string | null }[]
  readBytes: number
  /** It was longer than a preview may be. */
  isPart: boolean
}

/** About a million keys, each of them held to tell repeated ones. */
export const maxPreviewBytes = 67_108_864
const firstLines = 4
const maxLineLength = 65_536
/** The page stays smooth: after so long others have their turn. */
const sliceMs = 12

type Entry = { line: number; key: string } | { line: number; problem: string }

/** @throws when it is not text in UTF-8 */
export async function previewKeys(
  { type, body }: KeySource,
  options: { onProgress?: (preview: ImportPreview) => void; signal?: AbortSignal } = {},
): Promise<ImportPreview> {
  const preview: ImportPreview = {
    different: 0,
    repeated: 0,
    malformed: 0,
    first: [],
    readBytes: 0,
    isPart: body.size > maxPreviewBytes,
  }
  const seen = new Set<string>()
  const entriesOf = readers[type]()
  let sliceEndsAt = performance.now() + sliceMs
  for await (const line of linesOf(body.slice(0, maxPreviewBytes), (bytes) => (preview.readBytes = bytes))) {
    for (const entry of entriesOf(line)) count(preview, seen, entry)
    if (performance.now() < sliceEndsAt) continue
    options.onProgress?.({ ...preview, first: [...preview.first] })
    await new Promise((resolve) => setTimeout(resolve))
    options.signal?.throwIfAborted()
    sliceEndsAt = performance.now() + sliceMs
  }
  return preview
}

function count(preview: ImportPreview, seen: Set<string>, entry: Entry): void {
  const problem = 'problem' in entry ? entry.problem : problemOf(entry.key)
  const key = 'key' in entry ? entry.key.trim() : ''
  if (problem !== null) preview.malformed += 1
  else if (seen.has(key)) preview.repeated += 1
  else {
    seen.add(key)
    preview.different += 1
  }
  if (preview.first.length < firstLines) preview.first.push({ line: entry.line, hint: keyHint(key), problem })
}

function problemOf(key: string): string | null {
  const result = providerKeySchema.safeParse(key)
  return result.success ? null : (result.error.issues[0]?.message ?? 'is not a key')
}

type Line = { line: number; content: string }
type Reader = (line: Line) => Entry[]

const readers: Readonly<Record<KeySourceType, () => Reader>> = {
  'text/plain': () => plainEntries,
  'text/csv': csvReader,
  'application/x-ndjson': () => jsonEntries,
}

function plainEntries({ line, content }: Line): Entry[] {
  if (content.trimStart().startsWith('#')) return []
  return content
    .split(/[\s,;]+/)
    .filter((key) => key !== '')
    .map((key) => ({ line, key }))
}

function jsonEntries({ line, content }: Line): Entry[] {
  if (content.trim() === '') return []
  try {
    const value: unknown = JSON.parse(content)
    const key = typeof value === 'object' && value !== null && 'key' in value ? value.key : value
    return [typeof key === 'string' ? { line, key } : { line, problem: 'is neither a string nor an object with a key' }]
  } catch {
    return [{ line, problem: 'is not JSON' }]
  }
}

const keyColumns: ReadonlySet<string> = new Set(['key', 'api_key', 'apikey', 'key_value', 'token'])

function csvReader(): Reader {
  let column: number | null = null
  return ({ line, content }) => {
    if (content.trim() === '') return []
    const fields = fieldsOf(content)
    if (column === null) {
      const named = fields.findIndex((name) => keyColumns.has(name.toLowerCase()))
      column = Math.max(0, named)
      if (named !== -1) return []
    }
    const key = fields[column] ?? ''
    return [key === '' ? { line, problem: 'has no key in its column' } : { line, key }]
  }
}

/** Of one line: a field that runs over several is counted wrong here, and read right by the API. */
function fieldsOf(content: string): string[] {
  const fields = content.match(/("(?:[^"]|"")*"|[^,]*)(?:,|$)/g) ?? []
  return fields.map((field) => {
    const text = field.replace(/,$/, '').trim()
    return text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1).replaceAll('""', '"').trim() : text
  })
}

async function* linesOf(body: Blob, onRead: (bytes: number) => void): AsyncGenerator<Line> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  const reader = body.stream().getReader()
  let [line, rest, read] = [1, '', 0]
  const take = (content: string): Line => ({ line: line++, content: content.slice(0, maxLineLength) })
  for (;;) {
    const { value, done } = await reader.read()
    read += value?.length ?? 0
    onRead(read)
    const pieces = (rest + decode(decoder, value, done)).split(/\r\n|\n|\r(?!$)/)
    rest = pieces.pop() ?? ''
    for (const piece of pieces) yield take(piece)
    if (done) break
  }
  if (rest !== '') yield take(rest)
}

/** A preview may be cut within a character. */
function decode(decoder: TextDecoder, value: Uint8Array | undefined, isEnd: boolean): string {
  return isEnd ? '' : decoder.decode(value, { stream: true })
}
