import { DatabaseUnavailable, faultOf } from '@gpt-load/database/database-errors'
import { SchemaTooNew } from '@gpt-load/database/migrate'
import { scrubPatterns } from '@gpt-load/service-kit/secret-patterns'
import { describeStartupError } from '@gpt-load/service-kit/startup-error'

const unreadableCodes = new Set(['SQLITE_NOTADB', 'SQLITE_CORRUPT'])

/** What an operator can mend is one message; everything else is a defect of ours and keeps its stack. */
export function describeFailure(error: unknown): string {
  return scrubPatterns(describeStartupError(error) ?? describeDatabaseFailure(error) ?? stackOf(error))
}

function describeDatabaseFailure(error: unknown): string | undefined {
  if (error instanceof SchemaTooNew) return error.message
  if (unreadableCodes.has(codeOf(error)))
    return 'the database file is damaged or is no SQLite database\n    -> restore it from a backup'
  if (codeOf(error) === 'SQLITE_READONLY')
    return 'the database may not be written by this user\n    -> run this as the user that GPT-Load runs as'
  if (error instanceof DatabaseUnavailable)
    return `${error.message}\n    -> check that it runs and that the connection is right`
  if (faultOf(error) === 'conflict')
    return 'the database is busy\n    -> try again; if it stays so, stop GPT-Load first'
  return undefined
}

function codeOf(error: unknown): string {
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: unknown }
  return typeof code === 'string' ? code : cause === undefined ? '' : codeOf(cause)
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
