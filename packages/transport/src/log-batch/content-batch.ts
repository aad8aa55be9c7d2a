// Recorded contents in the envelope of log batches: a JSON object per line, so that fields may be added; what a reader does not
// know it passes over, and so it does with a line that it cannot read.

import { contentRecordSchema, type ContentRecord } from '@gpt-load/contracts/content-record'
import type { LogBatchIdentity } from '@gpt-load/contracts/log-event'
import { openBatch, sealBatch } from './sealed-batch.ts'

export type OpenedContentBatch = { records: ContentRecord[]; unreadable: number }

export const encodeContent = (record: ContentRecord): string => `${JSON.stringify(record)}\n`

/** `lines` are of `encodeContent`. */
export function sealContentBatch(identity: LogBatchIdentity, lines: readonly string[]): Uint8Array<ArrayBuffer> {
  return sealBatch('GLLC', { identity, payload: Buffer.from(lines.join('')), codec: 'zstd' })
}

/** Never throws; a batch that cannot be opened is one that is unreadable. */
export function openContentBatch(bytes: Uint8Array): OpenedContentBatch {
  const opened: OpenedContentBatch = { records: [], unreadable: 0 }
  for (const line of linesOf(bytes)) {
    const record = parseLine(line)
    if (record === null) opened.unreadable += 1
    else opened.records.push(record)
  }
  return opened
}

function linesOf(bytes: Uint8Array): string[] {
  try {
    return openBatch('GLLC', bytes).payload.toString('utf8').trimEnd().split('\n')
  } catch {
    return ['']
  }
}

function parseLine(line: string): ContentRecord | null {
  try {
    return contentRecordSchema.parse(JSON.parse(line))
  } catch {
    return null
  }
}
