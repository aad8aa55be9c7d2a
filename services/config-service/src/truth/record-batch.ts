import type { SnapshotRecord } from '@gpt-load/contracts/snapshot'

/** Records of one answer with their estimated size as JSON. Keys are estimated, not stringified twice. */
export interface RecordBatch {
  readonly records: readonly SnapshotRecord[]
  readonly bytes: number
  add(records: readonly SnapshotRecord[]): void
  /** Whether these fit under the bound; the first ones always do. */
  hasRoomFor(records: readonly SnapshotRecord[]): boolean
}

/** Numbers and punctuation of one row of facts, generously. */
const factBytes = 56

export function createRecordBatch(maxBytes: number): RecordBatch {
  const records: SnapshotRecord[] = []
  let bytes = 0
  return {
    records,
    get bytes() {
      return bytes
    },
    add(more) {
      records.push(...more)
      bytes += sizeOf(more)
    },
    hasRoomFor: (more) => bytes === 0 || bytes + sizeOf(more) <= maxBytes,
  }
}

export function sizeOf(records: readonly SnapshotRecord[]): number {
  return records.reduce((sum, record) => sum + recordBytes(record), 0)
}

function recordBytes(record: SnapshotRecord): number {
  switch (record.t) {
    case 'keys':
      return record.rows.reduce((sum, row) => sum + factBytes + row[6].length, 64)
    case 'key_models':
      return record.rows.reduce((sum, row) => sum + factBytes + row[5].length, 64)
    case 'key_states':
      return 64 + factBytes * record.rows.length
    case 'removed':
      return 64 + 16 * record.ids.length
    default:
      return JSON.stringify(record).length + 1
  }
}
