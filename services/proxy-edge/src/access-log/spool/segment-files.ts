import { mkdir, readdir, rename, rm, rmdir, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Where segments lie: a folder per edge process under the spool's, so that processes may share a disk. A process shows that it
 * lives by touching its folder; what one left that did not is taken over, file by file, by whoever renames it first.
 *
 *   <spool>/<instance>/00000001.open          being written
 *   <spool>/<instance>/00000001-1234.segment  whole, 1,234 records
 */
export type Segment = {
  path: string
  bytes: number
  /** That are not acknowledged; null = not known: its process was killed while it wrote. */
  records: number | null
  /** Of this process. */
  isOwn: boolean
}

const sealedPattern = /^(\d{8})-(\d+)\.segment$/
const openPattern = /^(\d{8})\.open$/

export function openPath(folder: string, number: number): string {
  return join(folder, `${String(number).padStart(8, '0')}.open`)
}

export function sealedPath(folder: string, number: number, records: number): string {
  return join(folder, `${String(number).padStart(8, '0')}-${records}.segment`)
}

export async function touchFolder(folder: string, nowMs: number): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await utimes(folder, nowMs / 1_000, nowMs / 1_000)
}

/** Oldest first. What is taken over keeps its order and gets its new names from `nextNumber`. */
export async function takeAbandoned(options: {
  spool: string
  own: string
  nowMs: number
  /** A folder that was not touched for so long is nobody's. */
  abandonedMs: number
  nextNumber(): number
}): Promise<Segment[]> {
  const taken: Segment[] = []
  for (const name of (await readdir(options.spool)).toSorted()) {
    const folder = join(options.spool, name)
    if (folder === options.own) continue
    const info = await stat(folder).catch(() => null)
    if (info === null || !info.isDirectory() || options.nowMs - info.mtimeMs < options.abandonedMs) continue
    // Gone by now: another process was faster.
    for (const file of (await readdir(folder).catch((): string[] => [])).toSorted()) {
      const segment = await takeFile(join(folder, file), file, options)
      if (segment !== null) taken.push(segment)
    }
    await rmdir(folder).catch(() => undefined)
  }
  return taken
}

async function takeFile(
  path: string,
  name: string,
  { own, nextNumber }: { own: string; nextNumber(): number },
): Promise<Segment | null> {
  const sealed = sealedPattern.exec(name)
  if (sealed === null && !openPattern.test(name)) return null
  const records = sealed === null ? null : Number(sealed[2])
  const target = sealedPath(own, nextNumber(), records ?? 0)
  try {
    await rename(path, target)
    return { path: target, bytes: (await stat(target)).size, records, isOwn: false }
  } catch {
    // Another process was faster.
    return null
  }
}

export async function removeSegment({ path }: Segment): Promise<void> {
  await rm(path, { force: true })
}
