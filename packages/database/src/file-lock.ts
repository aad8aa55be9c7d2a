import SqliteFile from 'better-sqlite3'
import { closeSync, openSync } from 'node:fs'

/**
 * A lock that the system lets go of when the process ends, however it ends: an exclusive transaction on a file of its own.
 * No pid file could say so much: pids come again, and in a container always the same one.
 */
export class FileLocked extends Error {
  override name = 'FileLocked'
}

/** Throws FileLocked when another process (or this one) holds it. */
export function lockFile(path: string): { release(): void } {
  closeSync(openSync(path, 'a', 0o600))
  const file = new SqliteFile(path, { timeout: 0 })
  try {
    file.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    file.close()
    if ((error as { code?: string }).code !== 'SQLITE_BUSY') throw error
    throw new FileLocked(`${path} is held by another process`, { cause: error })
  }
  return { release: () => void file.close() }
}

/** Names of the tables of an SQLite file; [] for one that is not there or empty. */
export function tablesOf(path: string): string[] {
  const file = new SqliteFile(path, { readonly: true, fileMustExist: true, timeout: 1_000 })
  try {
    const rows = file.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all() as { name: string }[]
    return rows.map(({ name }) => name)
  } finally {
    file.close()
  }
}
