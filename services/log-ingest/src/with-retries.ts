import { sqlFailureOf } from '@gpt-load/database/sql-client/sql-client'

/** Deadlocks and resends that race are repeated at once; the third time the caller backs off. */
const maxTries = 3

export async function withRetries<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work()
    } catch (error) {
      const failure = sqlFailureOf(error)
      if (attempt >= maxTries || (failure !== 'retryable' && failure !== 'duplicate')) throw error
    }
  }
}
