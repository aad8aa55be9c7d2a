import { DatabaseUnavailable } from './database-errors.ts'

/** A database that is there but does not answer (stopped, partitioned) must not hang its callers. */
export async function withDeadline<T>(work: Promise<T>, timeoutMs: number): Promise<T> {
  const expired = Promise.withResolvers<never>()
  const timer = setTimeout(
    () => expired.reject(new DatabaseUnavailable(`the database did not answer within ${timeoutMs} ms`)),
    timeoutMs,
  )
  try {
    return await Promise.race([work, expired.promise])
  } finally {
    clearTimeout(timer)
    // Its later failure has been reported already.
    work.catch(() => {})
  }
}
