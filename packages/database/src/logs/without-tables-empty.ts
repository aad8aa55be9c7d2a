import { isMissingTable } from '../sql-client/sql-client.ts'
import type { SqlReader } from '../sql-client/sql-client.ts'

/** The log tables come with log-ingest: before its first start there is nothing to read, which is no failure. */
export function withoutTablesEmpty(client: SqlReader): SqlReader {
  return {
    dialect: client.dialect,
    read: (statement, values) =>
      client.read(statement, values).catch((error: unknown) => {
        if (isMissingTable(error)) return []
        throw error
      }),
  }
}
