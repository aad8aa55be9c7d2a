import type { DatabaseHandle } from '@gpt-load/database/database-handle'
import { createSingleFlight } from '@gpt-load/service-kit/single-flight'
import { frameChunk } from '@gpt-load/transport/chunk-splitter'
import { randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { readChunks, type BasePlace, type StoredBase } from './base-store.ts'

/**
 * Bases as files of this replica: fetched from the database once, then served as static bytes from any offset. A file holds
 * nothing but sealed chunks, so it needs no more protection than its mode. The newest two are kept.
 */
export interface BaseFiles {
  /** Fetched from the database when this replica does not have it. */
  fetch(base: StoredBase): Promise<BaseFile>
  /** Null when this replica does not have it (any more). */
  find(place: BasePlace): Promise<BaseFile | null>
}

export type BaseFile = {
  bytes: number
  /** `end` is exclusive. */
  read(range: { start: number; end?: number }, signal?: AbortSignal): AsyncIterable<Uint8Array>
}

const filesKept = 2
const readBytes = 262_144
const filePattern = /^base-[0-9a-f]{32}-\d+\.bin$/

export function createBaseFiles(options: { store: DatabaseHandle; cacheDir: string }): BaseFiles {
  const { store, cacheDir } = options
  const flight = createSingleFlight<BaseFile>()
  const pathOf = ({ epoch, revision }: BasePlace) => join(cacheDir, `base-${epoch}-${revision}.bin`)

  async function download(base: StoredBase): Promise<BaseFile> {
    const path = pathOf(base)
    if ((await sizeOf(path)) === base.bytes) return fileAt(path, base.bytes)
    await mkdir(cacheDir, { recursive: true, mode: 0o700 })
    const partial = `${path}.${randomUUID()}`
    try {
      await writeChunks(partial, readChunks(store, base))
      if ((await sizeOf(partial)) !== base.bytes) throw new Error('the stored base is incomplete')
      await rename(partial, path)
    } catch (error) {
      await rm(partial, { force: true })
      throw error
    }
    await removeOldFiles(cacheDir, path)
    return fileAt(path, base.bytes)
  }

  return {
    fetch: (base) => flight(pathOf(base), () => download(base)),
    async find(place) {
      const bytes = await sizeOf(pathOf(place))
      return bytes === null ? null : fileAt(pathOf(place), bytes)
    },
  }
}

function fileAt(path: string, bytes: number): BaseFile {
  return {
    bytes,
    read: ({ start, end = bytes }, signal) =>
      start >= end
        ? Readable.from([])
        : createReadStream(path, { start, end: end - 1, highWaterMark: readBytes, ...(signal && { signal }) }),
  }
}

async function writeChunks(path: string, chunks: AsyncIterable<Buffer>): Promise<void> {
  await using file = await open(path, 'wx', 0o600)
  for await (const chunk of chunks) await file.writeFile(frameChunk(chunk))
}

async function sizeOf(path: string): Promise<number | null> {
  try {
    return (await stat(path)).size
  } catch {
    return null
  }
}

/** A reader that has one open keeps it: the name goes, the bytes stay until it is closed. */
async function removeOldFiles(cacheDir: string, newest: string): Promise<void> {
  const names = (await readdir(cacheDir)).filter((name) => filePattern.test(name))
  const files = await Promise.all(
    names.map(async (name) => ({ name, at: (await stat(join(cacheDir, name)).catch(() => null))?.mtimeMs ?? 0 })),
  )
  const old = files.toSorted((a, b) => b.at - a.at).slice(filesKept)
  for (const { name } of old) if (join(cacheDir, name) !== newest) await rm(join(cacheDir, name), { force: true })
}
