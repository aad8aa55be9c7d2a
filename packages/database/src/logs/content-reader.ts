import type { ContentBody, ContentRecord } from '@gpt-load/contracts/content-record'
import type { SqlReader, SqlRow } from '../sql-client/sql-client.ts'

/** Bodies that were recorded, by the ids of their requests. */
export interface ContentReader {
  /** Null: none was recorded, or it is gone by now. */
  find(requestId: string): Promise<ContentRecord | null>
  /** Request bodies of many, without those that were not recorded. */
  requestTexts(requestIds: readonly string[]): Promise<ReadonlyMap<string, string>>
}

export function createContentReader(sql: SqlReader): ContentReader {
  return {
    async find(requestId) {
      const [row] = await sql.read('SELECT * FROM request_contents WHERE request_id = ? LIMIT 1', [requestId])
      return row === undefined ? null : toRecord(row)
    },
    async requestTexts(requestIds) {
      if (requestIds.length === 0) return new Map()
      const rows = await sql.read(
        `SELECT request_id, request_text FROM request_contents WHERE request_type IS NOT NULL AND request_id IN (${requestIds.map(() => '?').join(',')})`,
        requestIds,
      )
      return new Map(rows.map((row) => [String(row['request_id']), String(row['request_text'])]))
    },
  }
}

function toRecord(row: SqlRow): ContentRecord {
  return {
    request_id: String(row['request_id']),
    received_at: Number(row['received_at']),
    group_id: Number(row['group_id']),
    request: toBody(row, 'request'),
    response: toBody(row, 'response'),
  }
}

function toBody(row: SqlRow, side: 'request' | 'response'): ContentBody | null {
  const type = row[`${side}_type`]
  if (typeof type !== 'string') return null
  return {
    content_type: type,
    text: String(row[`${side}_text`]),
    is_cut: row[`${side}_cut`] === 1,
    omitted: String(row[`${side}_omitted`]) as ContentBody['omitted'],
  }
}
