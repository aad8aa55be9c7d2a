import { mkdir, open, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'

/**
 * The data folder of standalone: two databases and the secrets that were generated for them. The admin key's file goes
 * with the first login, the master key's stays.
 */
export type DataDir = {
  readonly path: string
  readonly configDatabase: string
  readonly logDatabase: string
  readonly masterKeyFile: string
  readonly adminKeyFile: string
  readonly accessKeyFile: string
  readonly edgeTokenFile: string
  /** Bases of snapshots; may be removed at any time. */
  readonly snapshotDir: string
  /** Locked by the process that has the folder. */
  readonly lockFile: string
}

/** Made when it is not there, and proven writable. */
export async function openDataDir(directory: string): Promise<DataDir> {
  const dataDir = dataDirAt(directory)
  await mkdir(dataDir.path, { recursive: true, mode: 0o700 })
  await assertWritable(dataDir.path)
  return dataDir
}

/** The places alone; nothing is made or looked at. */
export function dataDirAt(directory: string): DataDir {
  const path = resolve(directory)
  return {
    path,
    configDatabase: join(path, 'gpt-load.db'),
    logDatabase: join(path, 'logs.db'),
    masterKeyFile: join(path, 'master-key'),
    adminKeyFile: join(path, 'admin-key'),
    accessKeyFile: join(path, 'access-key'),
    edgeTokenFile: join(path, 'edge-token'),
    snapshotDir: join(path, 'snapshots'),
    lockFile: join(path, 'lock'),
  }
}

async function assertWritable(path: string): Promise<void> {
  const probe = join(path, `.write-test-${process.pid}`)
  const file = await open(probe, 'w', 0o600)
  await file.close()
  await rm(probe)
}
