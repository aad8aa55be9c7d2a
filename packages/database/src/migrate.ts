import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { DatabaseUnavailable, faultOf, isAlreadyThere } from './database-errors.ts'
import type { DatabaseHandle } from './database-handle.ts'
import { assertLease, createLeasesTable, waitForLease, type LeaseHold } from './lease.ts'
import { splitStatements } from './split-statements.ts'

/**
 * Numbered SQL per dialect, `NNNN_name.sql`, applied in order under a lease, so that replicas which start together apply it
 * once. MySQL commits each DDL statement by itself: a run that died in the middle is repeated, so each statement must be
 * re-runnable (IF NOT EXISTS, INSERT IGNORE; an index or column that is there already counts as done). Neighbouring versions are additive: a service works with its own version and
 * with the next one, waits for a schema that is older, and refuses one that is further ahead.
 */
export class SchemaTooNew extends Error {
  override name = 'SchemaTooNew'
  /** Read by service-kit's startup-error: the operator's to mend, the message is enough. */
  readonly code = 'STARTUP_REFUSED'
}

/** Tables of one component; `mysql-logs` and `sqlite-logs` beside `mysql` and `sqlite`. */
export type MigrationSet = { component: 'config' | 'logs'; folder?: string }
type Migration = { version: number; name: string; statements: string[]; checksum: string }

const leaseTtlMs = 30_000
const schemaPollMs = 500

/** Applies what is missing and answers the version reached. */
export async function migrate(handle: DatabaseHandle, set: MigrationSet): Promise<number> {
  const migrations = await readMigrations(handle, set)
  await createBookkeeping(handle)
  refuseIfTooNew(set, await appliedVersion(handle, set), latestOf(migrations))
  return waitForLease(handle, `migrate-${set.component}`, { ttlMs: leaseTtlMs }, async (signal, lease) => {
    const applied = await appliedVersion(handle, set)
    for (const migration of migrations) {
      signal.throwIfAborted()
      if (migration.version > applied) await applyMigration(handle, set, migration, lease)
    }
    return appliedVersion(handle, set)
  })
}

/** Resolves when somebody else's migration has brought the schema up to what this release knows. */
export async function waitForSchema(
  handle: DatabaseHandle,
  set: MigrationSet,
  { signal, onWaiting }: { signal?: AbortSignal; onWaiting?: (reason: string) => void } = {},
): Promise<number> {
  const latest = latestOf(await readMigrations(handle, set))
  for (;;) {
    const applied = await appliedVersionOrReason(handle, set)
    if (typeof applied === 'number') {
      refuseIfTooNew(set, applied, latest)
      if (applied >= latest) return applied
      onWaiting?.(`the ${set.component} schema is at version ${applied}, version ${latest} is needed: gptload migrate`)
    } else onWaiting?.(applied)
    await sleep(schemaPollMs, undefined, signal && { signal })
  }
}

async function appliedVersionOrReason(handle: DatabaseHandle, set: MigrationSet): Promise<number | string> {
  try {
    return await appliedVersion(handle, set)
  } catch (error) {
    if (faultOf(error) === 'unavailable') return (error as DatabaseUnavailable).message
    // Before the first migration there is no table to ask.
    return 0
  }
}

async function readMigrations(handle: DatabaseHandle, set: MigrationSet): Promise<Migration[]> {
  const folder = set.folder ?? migrationFolder(handle, set)
  const names = (await readdir(folder)).filter((name) => /^\d{4}_.+\.sql$/.test(name)).toSorted()
  return Promise.all(
    names.map(async (name) => {
      const text = await readFile(join(folder, name), 'utf8')
      const checksum = createHash('sha256').update(text).digest('hex')
      return { version: Number(name.slice(0, 4)), name, statements: splitStatements(text), checksum }
    }),
  )
}

function migrationFolder(handle: DatabaseHandle, set: MigrationSet): string {
  const name = set.component === 'config' ? handle.dialect : `${handle.dialect}-${set.component}`
  return fileURLToPath(new URL(`../migrations/${name}`, import.meta.url))
}

async function createBookkeeping(handle: DatabaseHandle): Promise<void> {
  const isMysql = handle.dialect === 'mysql'
  const text = (length: number) => (isMysql ? `VARCHAR(${length})` : 'TEXT')
  const tail = isMysql ? ' ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin' : ''
  await handle.sql.execute(createLeasesTable[handle.dialect])
  await handle.sql.execute(
    `CREATE TABLE IF NOT EXISTS schema_migrations (component ${text(32)} NOT NULL, version INTEGER NOT NULL, ` +
      `name ${text(255)} NOT NULL, checksum ${text(64)} NOT NULL, applied_at BIGINT NOT NULL, ` +
      `PRIMARY KEY (component, version))${tail}`,
  )
}

async function applyMigration(
  handle: DatabaseHandle,
  set: MigrationSet,
  migration: Migration,
  lease: LeaseHold,
): Promise<void> {
  for (const statement of migration.statements) await executeOnce(handle, statement)
  await handle.write(async ({ sql }) => {
    await assertLease(sql, lease)
    await sql.execute(
      'INSERT INTO schema_migrations (component, version, name, checksum, applied_at) VALUES (?, ?, ?, ?, ?)',
      [set.component, migration.version, migration.name, migration.checksum, Date.now()],
    )
  })
}

async function executeOnce(handle: DatabaseHandle, statement: string): Promise<void> {
  try {
    await handle.sql.execute(statement)
  } catch (error) {
    if (!isAlreadyThere(error)) throw error
  }
}

async function appliedVersion(handle: DatabaseHandle, set: MigrationSet): Promise<number> {
  const [row] = await handle.sql.query<{ version: number | null }>(
    'SELECT MAX(version) AS version FROM schema_migrations WHERE component = ?',
    [set.component],
  )
  return row?.version ?? 0
}

function latestOf(migrations: readonly Migration[]): number {
  return migrations.at(-1)?.version ?? 0
}

function refuseIfTooNew(set: MigrationSet, applied: number, latest: number): void {
  if (applied <= latest + 1) return
  throw new SchemaTooNew(
    `the ${set.component} schema is at version ${applied}; this release knows ${latest} and works up to ${latest + 1}: use a newer release`,
  )
}
