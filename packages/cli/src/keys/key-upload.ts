import { openAsBlob } from 'node:fs'
import { stat } from 'node:fs/promises'
import { extname } from 'node:path'
import { Readable } from 'node:stream'
import type { Upload } from '@gpt-load/api-client/api-client'
import type { KeyImportType } from '@gpt-load/contracts/api/task'

/** A file of keys, or `-` for standard input, as the server reads it: never as a whole in memory. */
export const keyFormats = {
  txt: 'text/plain',
  csv: 'text/csv',
  jsonl: 'application/x-ndjson',
  json: 'application/json',
} as const
export type KeyFormat = keyof typeof keyFormats

const formatOfExtension: Readonly<Record<string, KeyFormat>> = {
  '.csv': 'csv',
  '.jsonl': 'jsonl',
  '.ndjson': 'jsonl',
  '.json': 'json',
}

export async function openKeyUpload(file: string, format: KeyFormat | undefined): Promise<Upload<KeyImportType>> {
  const type = keyFormats[format ?? formatOfExtension[extname(file).toLowerCase()] ?? 'txt']
  if (file === '-') return { type, content: Readable.toWeb(process.stdin) as ReadableStream<Uint8Array> }
  // A file that cannot be read is told by its name.
  await stat(file)
  return { type, content: await openAsBlob(file) }
}
