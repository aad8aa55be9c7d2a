import { access } from 'node:fs/promises'
import { FileLocked, lockFile, tablesOf } from '@gpt-load/database/file-lock'
import { openDataDir, type DataDir } from '@gpt-load/service-kit/data-dir'
import { generateSecret, readOrCreateSecret, readSecret } from '@gpt-load/service-kit/secret-file'
import { StartupError } from '@gpt-load/service-kit/startup-error'

/**
 * The data folder with its secrets: held by one process at a time, and refused when something in it is missing or foreign,
 * before anything is written.
 */
export type Installation = {
  dataDir: DataDir
  isNew: boolean
  masterKey: string
  /** What was generated before ENCRYPTION_KEY was set: it opens the database until a rotation has ended. */
  formerMasterKey: string | undefined
  edgeToken: string
  release(): void
}

export async function openInstallation(directory: string, masterKey: string | undefined): Promise<Installation> {
  const dataDir = await openDataDir(directory)
  const { release } = hold(dataDir)
  try {
    const isNew = !(await isThere(dataDir.configDatabase))
    if (!isNew) refuseForeignDatabase(dataDir)
    return {
      dataDir,
      isNew,
      masterKey: masterKey ?? (await storedMasterKey(dataDir, isNew)),
      formerMasterKey: masterKey === undefined ? undefined : ((await readSecret(dataDir.masterKeyFile)) ?? undefined),
      edgeToken: await readOrCreateSecret(dataDir.edgeTokenFile),
      release,
    }
  } catch (error) {
    release()
    throw error
  }
}

function hold({ path, lockFile: file }: DataDir): { release(): void } {
  try {
    return lockFile(file)
  } catch (error) {
    if (!(error instanceof FileLocked)) throw error
    throw new StartupError(
      `${path} is in use by another GPT-Load process`,
      'stop it, or give this one a folder of its own with --data-dir',
      { cause: error },
    )
  }
}

/** A new key would not open what the former one has sealed. */
async function storedMasterKey({ masterKeyFile, path }: DataDir, isNew: boolean): Promise<string> {
  const stored = await readSecret(masterKeyFile)
  if (stored !== null) return stored
  if (isNew) return readOrCreateSecret(masterKeyFile, generateSecret)
  throw new StartupError(
    `${masterKeyFile} is missing, and ${path} holds secrets that only it opens`,
    'restore the file from a backup, or set ENCRYPTION_KEY to what it held',
  )
}

/** GPT-Load 1.x keeps its own database under the same name. */
function refuseForeignDatabase({ configDatabase }: DataDir): void {
  const tables = tablesOf(configDatabase)
  if (tables.length === 0 || tables.includes('schema_migrations') || tables.includes('write_lock')) return
  throw new StartupError(
    `${configDatabase} is not a database of this release${tables.includes('api_keys') ? ' but of GPT-Load 1.x' : ''}`,
    'choose another folder with --data-dir; the old file is left as it is',
  )
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
