import { randomBytes } from 'node:crypto'
import { chmod, mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { StartupError } from '@gpt-load/service-kit/startup-error'

/**
 * The data folder of standalone: two databases and what was generated for them. Secrets are files of mode 0600 whose whole
 * content is the secret; the admin key's file goes with the first login, the master key's stays.
 */
export type DataDir = {
  readonly path: string
  readonly configDatabase: string
  readonly logDatabase: string
  readonly deadLetters: string
  readonly masterKeyFile: string
  readonly adminKeyFile: string
  readonly edgeTokenFile: string
}

export async function openDataDir(directory: string): Promise<DataDir> {
  const path = resolve(directory)
  await mkdir(path, { recursive: true, mode: 0o700 })
  await assertWritable(path)
  return {
    path,
    configDatabase: join(path, 'gpt-load.db'),
    logDatabase: join(path, 'logs.db'),
    deadLetters: join(path, 'dead-letters.jsonl'),
    masterKeyFile: join(path, 'master-key'),
    adminKeyFile: join(path, 'admin-key'),
    edgeTokenFile: join(path, 'edge-token'),
  }
}

async function assertWritable(path: string): Promise<void> {
  const probe = join(path, `.write-test-${process.pid}`)
  const file = await open(probe, 'w', 0o600)
  await file.close()
  await rm(probe)
}

/** The file's secret, or a new one written there; never half a file, never readable by others. */
export async function readOrCreateSecret(path: string, create: () => string = generateSecret): Promise<string> {
  const present = await readSecret(path)
  if (present !== null) return present
  const secret = create()
  await writeSecret(path, secret)
  return secret
}

export async function readSecret(path: string): Promise<string | null> {
  try {
    const secret = (await readFile(path, 'utf8')).trim()
    if (secret === '')
      throw new StartupError(`${path} is empty`, 'restore it from a backup; a new one would not open the database')
    await chmod(path, 0o600)
    return secret
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

export async function writeSecret(path: string, secret: string): Promise<void> {
  const draft = `${path}.${process.pid}.new`
  const file = await open(draft, 'w', 0o600)
  try {
    await file.writeFile(`${secret}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(draft, path)
}

/** 256 random bits. */
export const generateSecret = (): string => randomBytes(32).toString('base64url')
