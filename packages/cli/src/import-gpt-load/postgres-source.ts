import type { SqlRow, SqlValue } from '@gpt-load/database/sql-client/sql-client'
import { StartupError } from '@gpt-load/service-kit/startup-error'
import { Client } from 'pg'

/** PostgreSQL is a source of the import and nothing else, so its driver appears here alone. */
const undefinedTable = '42P01'
const connectTimeoutMs = 10_000

export function isPostgresDsn(dsn: string): boolean {
  return /^postgres(ql)?:\/\//i.test(dsn.trim())
}

export async function openPostgresSource(dsn: string) {
  const client = await connect(dsn)
  return {
    quote: (name: string) => `"${name}"`,
    async read(sql: string, values: readonly SqlValue[] = []): Promise<SqlRow[]> {
      let position = 0
      const { rows } = await client.query(
        sql.replaceAll('?', () => `$${(position += 1)}`),
        [...values],
      )
      return rows as SqlRow[]
    },
    close: () => client.end(),
  }
}

export function isMissingPostgresTable(error: unknown): boolean {
  return (error as { code?: unknown }).code === undefinedTable
}

/** The driver's messages repeat parts of the DSN: only codes are passed on. */
async function connect(dsn: string): Promise<Client> {
  let code: unknown
  try {
    const client = new Client({
      connectionString: dsn.trim(),
      connectionTimeoutMillis: connectTimeoutMs,
      options: '-c default_transaction_read_only=on',
    })
    // Without a listener a lost connection would end the process; the query under way fails by itself.
    client.on('error', () => {})
    await client.connect()
    return client
  } catch (error) {
    code = (error as { code?: unknown }).code
  }
  throw new StartupError(
    `the PostgreSQL database cannot be opened${typeof code === 'string' ? ` (${code})` : ''}`,
    'check that it runs and that the DSN is right: postgres://USER:PASSWORD@host:5432/database',
  )
}
