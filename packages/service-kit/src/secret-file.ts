// Generated secrets as files of mode 0600 whose whole content is the secret: never half a file, never readable by others.

import { randomBytes } from 'node:crypto'
import { chmod, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { StartupError } from './startup-error.ts'

/** 256 random bits. */
export const generateSecret = (): string => randomBytes(32).toString('base64url')

/** The file's secret, or a new one written there. */
export async function readOrCreateSecret(path: string, create: () => string = generateSecret): Promise<string> {
  const present = await readSecret(path)
  if (present !== null) return present
  const secret = create()
  await writeSecret(path, secret)
  return secret
}

/** null when there is no such file. */
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

/** Written by root, the file belongs to the folder's owner: a repair by root must not lock the service out. */
export async function writeSecret(path: string, secret: string): Promise<void> {
  const draft = `${path}.${process.pid}.new`
  const file = await open(draft, 'w', 0o600)
  try {
    await file.writeFile(`${secret}\n`)
    if (process.getuid?.() === 0) {
      const { uid, gid } = await stat(dirname(path))
      await file.chown(uid, gid)
    }
    await file.sync()
    await rename(draft, path)
  } catch (error) {
    await rm(draft, { force: true })
    throw error
  } finally {
    await file.close()
  }
}
