import { asDatabaseError } from './database-errors.ts'
import { readTimeoutMs, type Database } from './database-handle.ts'
import { withDeadline } from './with-deadline.ts'

/** Every call outside a transaction is bounded in time and says `DatabaseUnavailable` when the database is away. */
export function mapDatabaseErrors(client: Database): Database {
  return client.$extends({
    query: {
      async $allOperations({ args, query }: { args: unknown; query: (args: unknown) => Promise<unknown> }) {
        try {
          return await withDeadline(query(args), readTimeoutMs)
        } catch (error) {
          throw asDatabaseError(error)
        }
      },
    },
  } as never) as unknown as Database
}
