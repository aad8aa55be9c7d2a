// Fills the cache. Test files run as parallel processes and all of them want the same template at the same moment:
// one builds, the others wait. What stands under its final name is complete, because it is renamed into place.
// A lock whose owner has died is taken over, so a killed run never blocks the next one.

import { existsSync } from 'node:fs'
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { until } from '../until.ts'

export type BuildOnceOptions = {
  /** Final path, a file or a directory. */
  path: string
  /** What is installed, for the line that is printed. */
  what: string
  build: (temporaryPath: string) => Promise<void>
  report?: (line: string) => void
}

/** The slowest build downloads 44 MB; longer than this means that the builder hangs. */
const LOCK_TIMEOUT_MS = 300_000

export async function buildOnce(options: BuildOnceOptions): Promise<string> {
  const { path } = options
  if (existsSync(path)) return path
  await mkdir(dirname(path), { recursive: true })
  const unlock = await lock(`${path}.lock`)
  try {
    if (!existsSync(path)) await build(options)
  } finally {
    await unlock()
  }
  return path
}

async function build({ path, what, build, report = printLine }: BuildOnceOptions): Promise<void> {
  const startedAt = performance.now()
  const temporaryPath = `${path}.tmp-${process.pid}`
  report(`installing ${what} …`)
  try {
    await build(temporaryPath)
    await rename(temporaryPath, path)
  } finally {
    await rm(temporaryPath, { recursive: true, force: true })
  }
  report(`installed ${what} in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`)
}

async function lock(lockFile: string): Promise<() => Promise<void>> {
  await until(() => tryLock(lockFile), { timeoutMs: LOCK_TIMEOUT_MS, intervalMs: 50, what: `the lock ${lockFile}` })
  return () => rm(lockFile, { force: true })
}

async function tryLock(lockFile: string): Promise<boolean> {
  try {
    const file = await open(lockFile, 'wx')
    await file.writeFile(String(process.pid))
    await file.close()
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  await removeIfAbandoned(lockFile)
  return false
}

async function removeIfAbandoned(lockFile: string): Promise<void> {
  const owner = Number(await readFile(lockFile, 'utf8').catch(() => ''))
  // An empty file belongs to somebody between open and write.
  if (!owner || isAlive(owner)) return
  // Of several that find the same dead owner only one gets to rename, so that a fresh lock is never removed.
  const grave = `${lockFile}.${owner}`
  await rename(lockFile, grave).catch(() => undefined)
  await rm(grave, { force: true })
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function printLine(line: string): void {
  process.stderr.write(`${line}\n`)
}
