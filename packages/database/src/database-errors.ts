/**
 * What callers need to tell apart when the database refuses. Everything else is a programmer's error and passes unchanged.
 * Messages hold no values of a statement: the drivers' own texts may.
 */
export class DatabaseUnavailable extends Error {
  override name = 'DatabaseUnavailable'
}

/** Somebody else took the lease: the chunk must not be written. */
export class LeaseLost extends Error {
  override name = 'LeaseLost'
}

export type DatabaseFault = 'unique' | 'conflict' | 'unavailable' | 'other'

const uniqueCodes = new Set([
  'P2002',
  'ER_DUP_ENTRY',
  '1062',
  'SQLITE_CONSTRAINT_UNIQUE',
  'SQLITE_CONSTRAINT_PRIMARYKEY',
])
/** Deadlock, lock wait timeout, record changed since the snapshot, SQLite's busy file: the transaction may be repeated. */
const conflictCodes = new Set([
  'P2034',
  'P1008',
  'ER_LOCK_DEADLOCK',
  '1213',
  'ER_LOCK_WAIT_TIMEOUT',
  '1205',
  'ER_CHECKREAD',
  '1020',
  'SQLITE_BUSY',
  'SQLITE_BUSY_SNAPSHOT',
  'SQLITE_BUSY_RECOVERY',
])
const unavailableCodes = new Set([
  'P1000',
  'P1001',
  'P1002',
  'P1003',
  'P1011',
  'P1017',
  'P2024',
  'P2028',
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ER_ACCESS_DENIED_ERROR',
  'ER_BAD_DB_ERROR',
  'ER_CON_COUNT_ERROR',
  'ER_SERVER_SHUTDOWN',
  'ER_QUERY_INTERRUPTED',
  'ER_CONNECTION_KILLED',
  'SQLITE_CANTOPEN',
  'SQLITE_IOERR',
  'SQLITE_FULL',
  'SQLITE_NOTADB',
  'SQLITE_CORRUPT',
  '1040',
  '1053',
  '1927',
])
/** Client-side codes of the mariadb driver: 45001-45065 are connection, socket and pool faults. */
const driverCode = /^(4[45]\d{3})$/
const driverConnectionNames =
  /^ER_(SOCKET|CONNECTION|POOL|GET_CONNECTION|CMD_CONNECTION|CMD_NOT_EXECUTED|PING|TIMEOUT_NOT|UNEXPECTED)/
const connectionKinds = new Set([
  'SocketTimeout',
  'DatabaseNotReachable',
  'ConnectionClosed',
  'TlsConnectionError',
  'AuthenticationFailed',
  'TooManyConnections',
  'DatabaseDoesNotExist',
  'DatabaseAccessDenied',
])

export function faultOf(error: unknown): DatabaseFault {
  if (error instanceof DatabaseUnavailable) return 'unavailable'
  const codes = codesIn(error)
  if (codes.some((code) => uniqueCodes.has(code))) return 'unique'
  if (codes.some((code) => conflictCodes.has(code))) return 'conflict'
  return codes.some(isConnectionCode) ? 'unavailable' : 'other'
}

/** There is no IF NOT EXISTS for indexes and columns in MySQL, for columns in SQLite: what a repeated migration finds there. */
const existingCodes = new Set(['ER_DUP_KEYNAME', '1061', 'ER_DUP_FIELDNAME', '1060'])

export function isAlreadyThere(error: unknown): boolean {
  return (
    codesIn(error).some((code) => existingCodes.has(code)) ||
    // SQLite has no code of its own for it.
    (error instanceof Error && error.message.startsWith('duplicate column name: '))
  )
}

export function isUniqueViolation(error: unknown): boolean {
  return faultOf(error) === 'unique'
}

/** The error as callers shall see it: a lost or unreachable database is `DatabaseUnavailable`, whatever the driver says. */
export function asDatabaseError(error: unknown): unknown {
  if (error instanceof DatabaseUnavailable || faultOf(error) !== 'unavailable') return error
  const codes = codesIn(error).filter(isConnectionCode)
  return new DatabaseUnavailable(`the database does not answer (${codes.slice(0, 3).join(', ')})`, { cause: error })
}

function isConnectionCode(code: string): boolean {
  return (
    unavailableCodes.has(code) || connectionKinds.has(code) || driverCode.test(code) || driverConnectionNames.test(code)
  )
}

/** Codes of an error and of what it wraps: Prisma hides the driver's in `meta` and `cause`. At most 5 levels. */
function codesIn(error: unknown, depth = 0): string[] {
  if (typeof error !== 'object' || error === null || depth > 5) return []
  const fields = error as Record<string, unknown>
  const own = [fields['code'], fields['errno'], fields['originalCode'], fields['kind']]
    .filter((value) => typeof value === 'string' || typeof value === 'number')
    .map(String)
  return [...own, ...['meta', 'cause', 'driverAdapterError'].flatMap((field) => codesIn(fields[field], depth + 1))]
}
