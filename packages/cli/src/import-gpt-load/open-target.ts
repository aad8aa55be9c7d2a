import type { ChangeContext } from '@gpt-load/config-service/verb'
import { createDatabase } from '@gpt-load/database/create-database'
import type { DatabaseHandle } from '@gpt-load/database/database-handle'
import { openKeyring } from '@gpt-load/database/keyring'
import { createSystemClock } from '@gpt-load/service-kit/clock'
import { readSecret } from '@gpt-load/service-kit/secret-file'
import { StartupError } from '@gpt-load/service-kit/startup-error'
import { readDatabase, readDataDir, readMasterKey } from '../config.ts'
import { findDataDir } from '../standalone-data.ts'
import type { EnvironmentSource } from '@gpt-load/service-kit/environment'

/**
 * The database that is imported into: of the data folder, or of DATABASE_DSN. Services may run beside: they find the new
 * revisions by themselves.
 */
export type ImportTarget = { ctx: ChangeContext; place: string; close(): Promise<void> }

const actor = { name: 'gptload', scopes: new Set(['read', 'write', 'secrets:read'] as const) }

export async function openImportTarget(
  environment: EnvironmentSource,
  dataDir: string | undefined,
): Promise<ImportTarget> {
  const { handle, masterKey, place } = await openDatabase(environment, dataDir)
  try {
    await handle.ping()
    await assertInstallation(handle, place)
    const keyring = await openKeyring({ database: handle, masterKey })
    const ctx: ChangeContext = {
      store: handle,
      keyring,
      truth: { noticeCommit: () => {} },
      upstreamPolicy: { allowPrivateAddresses: true },
      clock: createSystemClock(),
      actor,
      requestId: '',
    }
    return { ctx, place, close: () => handle.close() }
  } catch (error) {
    await handle.close()
    throw error
  }
}

async function openDatabase(
  environment: EnvironmentSource,
  dataDir: string | undefined,
): Promise<{ handle: DatabaseHandle; masterKey: string; place: string }> {
  const connection = dataDir === undefined ? readDatabase(environment) : undefined
  const masterKey = readMasterKey(environment)
  if (connection?.dialect === 'mysql') {
    if (masterKey === undefined)
      throw new StartupError('ENCRYPTION_KEY is missing', 'give the one that config-service runs with')
    const place = `${connection.host}/${connection.database}`
    return { handle: createDatabase(connection, { poolSize: 2 }), masterKey, place }
  }
  const folder = await findDataDir(dataDir ?? readDataDir(environment))
  const stored = masterKey ?? (await readSecret(folder.masterKeyFile))
  if (stored === null)
    throw new StartupError(
      `${folder.masterKeyFile} is missing`,
      'restore it from a backup, or set ENCRYPTION_KEY to what it held',
    )
  const handle = createDatabase({ dialect: 'sqlite', path: folder.configDatabase })
  return { handle, masterKey: stored, place: folder.path }
}

/** An import never makes the installation: which master key it is to have is for the services to say. */
async function assertInstallation({ sql }: DatabaseHandle, place: string): Promise<void> {
  const rows = await sql.query('SELECT id FROM installation WHERE id = 1').catch(() => [])
  if (rows.length > 0) return
  throw new StartupError(`${place} has never been served from`, 'start GPT-Load on it once, then import')
}
