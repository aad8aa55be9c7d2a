import type { KeyImportType } from '@gpt-load/contracts/api/task'

/** A JSON document becomes JSON lines, so that all of them can be read and counted line by line. */
export type KeySourceType = Exclude<KeyImportType, 'application/json'>
/** What is to be imported, as the API takes it. `name` is that of a file. */
export type KeySource = { name: string | null; type: KeySourceType; body: Blob }

/** A JSON document has to be read as a whole; larger sets come as JSON lines. */
const maxJsonBytes = 67_108_864
const peekBytes = 1_024
const typesByEnding: Readonly<Record<string, KeySourceType>> = {
  csv: 'text/csv',
  jsonl: 'application/x-ndjson',
  ndjson: 'application/x-ndjson',
}

export function sourceOfText(text: string): KeySource {
  const lines = jsonLinesOf(text)
  return lines === null
    ? { name: null, type: 'text/plain', body: new Blob([text]) }
    : { name: null, type: 'application/x-ndjson', body: new Blob([lines]) }
}

/** By its ending; what begins as JSON is JSON, whatever it is called. */
export async function sourceOfFile(file: File): Promise<KeySource> {
  const { name } = file
  const byEnding = typesByEnding[name.split('.').at(-1)?.toLowerCase() ?? '']
  if (byEnding !== undefined) return { name, type: byEnding, body: file }
  const isJson = /^\s*[[{]/.test(await file.slice(0, peekBytes).text())
  if (!isJson) return { name, type: 'text/plain', body: file }
  if (file.size > maxJsonBytes) return { name, type: 'application/x-ndjson', body: file }
  return { ...sourceOfText(await file.text()), name }
}

/** A JSON array -> a line for each item; lines of JSON objects stay as they are; null = no JSON. */
function jsonLinesOf(text: string): string | null {
  const start = text.trimStart().slice(0, 1)
  if (start === '[') {
    const items = parsed(text)
    return Array.isArray(items) && items.length > 0 ? items.map((item) => JSON.stringify(item)).join('\n') : null
  }
  return start === '{' ? text : null
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
