import { pipeline, Readable } from 'node:stream'
import { parse, CsvError, type Info } from 'csv-parse'
import { ApiProblem } from '../http/api-problem.ts'
import { keyEntry, type ImportEntry } from './key-entry.ts'

/**
 * A table of keys: the first line names its columns when one of them is a key column, else the first column holds keys and
 * nothing else is looked at. Between commas, or what spreadsheets write in their place; a line that begins with # is a comment.
 */
const keyColumns: ReadonlySet<string> = new Set(['key', 'api_key', 'apikey', 'key_value', 'token'])
const noteColumns: ReadonlySet<string> = new Set(['note', 'notes'])
const weightColumns: ReadonlySet<string> = new Set(['weight'])

type Columns = { key: number; note: number; weight: number }

const maxRecordLength = 65_536
/** Looked at to see what divides columns. */
const headLength = 4_096

export async function* readCsvKeys(text: AsyncIterable<string>): AsyncGenerator<ImportEntry> {
  const rest = text[Symbol.asyncIterator]()
  const head = await takeHead(rest)
  const parser = parse({
    info: true,
    trim: true,
    delimiter: delimiterOf(head),
    comment: '#',
    comment_no_infix: true,
    skip_empty_lines: true,
    relax_column_count: true,
    relax_quotes: true,
    max_record_size: maxRecordLength,
  })
  // An error of either end ends the iteration below with it.
  pipeline(Readable.from(joined(head, rest)), parser, () => {})
  let columns: Columns | null = null
  try {
    for await (const { record, info } of parser as AsyncIterable<{ record: string[]; info: Info }>) {
      const isHeader: boolean = columns === null && indexOf(record, keyColumns) >= 0
      columns ??= columnsOf(record, isHeader)
      if (!isHeader) yield entryOf(info.lines, record, columns)
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error
    // The library's message quotes the input.
    throw new ApiProblem('bad_request', `The CSV cannot be read near line ${parser.info.lines} (${error.code}).`)
  }
}

function columnsOf(record: readonly string[], isHeader: boolean): Columns {
  if (!isHeader) return { key: 0, note: -1, weight: -1 }
  return {
    key: indexOf(record, keyColumns),
    note: indexOf(record, noteColumns),
    weight: indexOf(record, weightColumns),
  }
}

function indexOf(record: readonly string[], names: ReadonlySet<string>): number {
  return record.findIndex((name) => names.has(name.toLowerCase()))
}

function entryOf(line: number, record: readonly string[], columns: Columns): ImportEntry {
  const key = record[columns.key] ?? ''
  if (key === '') return { line, problem: 'has no key in its column' }
  return keyEntry(line, { key, note: record[columns.note], weight: record[columns.weight] })
}

async function takeHead(text: AsyncIterator<string>): Promise<string> {
  let head = ''
  while (head.length < headLength) {
    const { done, value } = await text.next()
    if (done === true) break
    head += value
  }
  return head
}

async function* joined(head: string, rest: AsyncIterator<string>): AsyncGenerator<string> {
  try {
    yield head
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value
  } finally {
    await rest.return?.()
  }
}

function delimiterOf(head: string): string {
  const first = head.split(/[\r\n]+/).find((line) => line.trim() !== '' && !line.startsWith('#')) ?? ''
  return [',', ';', '\t'].find((mark) => first.includes(mark)) ?? ','
}
