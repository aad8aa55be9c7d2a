// The last good snapshot in one file: frames one after the other, appended, replaced as a whole by tmp + rename. What was
// acknowledged survives a power cut. Several processes may share the directory: a frame is appended in one write to
// whatever file stands there, and `isCounted` sorts out on loading what follows what. A torn frame is passed over. What another one
// replaced or appended is found by looking at the file again, from where it was last read.
//
//   frame = "GLSF" | u32 head bytes | u32 crc32 of head | u32 crc32 of chunks | head (JSON) | chunks
//
// One chunk is held at a time. A base is written as it arrives, behind room for its head, which is known at the end only; blanks
// fill what the head leaves. Chunks are sealed: the file holds no secret in clear. How many deltas pile up before a new base is the caller's affair.

import { randomBytes } from 'node:crypto'
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { createInOrder } from './in-order.ts'
import {
  AppendRefused,
  checkFollows,
  isCounted,
  frameOf,
  headOf,
  parseHead,
  progressAfter,
  stateAfter,
} from './snapshot-frame.ts'
import type { SnapshotProgress, StoredHead, StoredState } from './snapshot-frame.ts'
import type { SnapshotFrame, SnapshotStore } from './snapshot-store.ts'

const fileName = 'snapshot'
const magic = Buffer.from('GLSF')
const prefixBytes = 16
/** Lengths of chunks and a few wrapped keys: a base of a million keys has some hundred chunks. */
const maxHeadBytes = 1_048_576
/** Where a torn frame was: the next one is looked for in steps of this many bytes. */
const scanBytes = 65_536
/** Looked at at once when a frame is checked. */
const checkedBytes = 262_144
/** Room for the head of a frame that is written as it arrives: lengths of 8,000 chunks, which are 8 GB of keys. */
const headRoomBytes = 65_536
/** What a process left that died in `replace`. */
const staleTmpMs = 3_600_000

/** Chunks lie from `start` to `end`. */
type StoredFrame = { head: StoredHead; start: number; end: number }

export function createFileSnapshotStore(options: { dir: string }): SnapshotStore {
  const { dir } = options
  const path = join(dir, fileName)
  const writer = randomBytes(8).toString('hex')
  /** What this process knows to be stored. */
  let reached: SnapshotProgress | undefined
  /** The file as it was last looked at, to behind its last whole frame. */
  let seen: { inode: number; end: number; state: StoredState | undefined } | undefined
  /** An append while `replace` runs belongs to the new file. */
  const inOrder = createInOrder()

  async function* load(): AsyncGenerator<SnapshotFrame> {
    reached = undefined
    const file = await open(path, 'r').catch(noFile)
    try {
      if (file === undefined) return
      for await (const { head, start } of readFrames(file, 0)) {
        if (!isCounted(head, reached)) continue
        reached = progressAfter(head)
        yield frameOf(head, readChunks(file, head, start))
      }
    } finally {
      await file?.close()
    }
  }

  const look = async (): Promise<StoredState | null> => {
    const file = await open(path, 'r').catch(noFile)
    try {
      const inode = file === undefined ? 0 : (await file.stat()).ino
      if (seen?.inode !== inode) seen = { inode, end: 0, state: undefined }
      if (file !== undefined)
        for await (const { head, end } of readFrames(file, seen.end))
          seen = { inode, end, state: stateAfter(head, seen.state) }
    } finally {
      await file?.close()
    }
    reached = seen.state
    return seen.state ?? null
  }

  const replace = async (frames: AsyncIterable<SnapshotFrame>): Promise<void> => {
    await mkdir(dir, { recursive: true, mode: 0o700 })
    await removeStaleTmp(dir)
    const tmp = `${path}.${process.pid}.${randomBytes(4).toString('hex')}.tmp`
    try {
      const progress = await writeNew(tmp, frames, writer)
      await rename(tmp, path)
      await syncDir(dir)
      reached = progress
    } catch (error) {
      await rm(tmp, { force: true })
      throw error
    }
  }

  const append = async (frame: SnapshotFrame): Promise<void> => {
    checkFollows(frame, reached)
    const chunks = await Array.fromAsync(frame.chunks)
    const chunkBytes = chunks.map(({ length }) => length)
    const head = headOf(frame, chunkBytes, { reached, writer })
    const file = await open(path, 'a').catch(noFile)
    if (file === undefined) throw new AppendRefused('there is no snapshot to append to')
    try {
      // In one write: other processes append to this file, too.
      await writeWhole(file, [...headParts(head, checksum(chunks)), ...chunks])
      await file.datasync()
    } finally {
      await file.close()
    }
    reached = progressAfter(head)
  }

  return {
    state: () => inOrder(look),
    load,
    replace: (frames) => inOrder(() => replace(frames)),
    append: (frame) => inOrder(() => append(frame)),
    close: () => inOrder.idle(),
  }
}

async function writeNew(path: string, frames: AsyncIterable<SnapshotFrame>, writer: string): Promise<SnapshotProgress> {
  const file = await open(path, 'wx', 0o600)
  try {
    let progress: SnapshotProgress | undefined
    let end = 0
    for await (const frame of frames) {
      checkFollows(frame, progress)
      const written = await writeArriving(file, end, frame, { reached: progress, writer })
      progress = progressAfter(written.head)
      end = written.end
    }
    if (!progress) throw new AppendRefused('a snapshot has at least a base')
    await file.sync()
    return progress
  } finally {
    await file.close()
  }
}

/** Chunks first, then the head, into the room that was left for it. */
async function writeArriving(
  file: FileHandle,
  start: number,
  frame: SnapshotFrame,
  progress: Parameters<typeof headOf>[2],
): Promise<StoredFrame> {
  const chunksStart = start + prefixBytes + headRoomBytes
  const chunkBytes: number[] = []
  let end = chunksStart
  let crc = 0
  for await (const chunk of frame.chunks) {
    await writeWhole(file, [chunk], end)
    chunkBytes.push(chunk.length)
    crc = crc32(chunk, crc)
    end += chunk.length
  }
  const head = headOf(frame, chunkBytes, progress)
  await writeWhole(file, headParts(head, crc, headRoomBytes), start)
  return { head, start: chunksStart, end }
}

/** A full disk shows as a short write, not as an error; what was written then is a torn frame. */
async function writeWhole(file: FileHandle, parts: Uint8Array[], at?: number): Promise<void> {
  const bytes = parts.reduce((sum, part) => sum + part.length, 0)
  const { bytesWritten } = await file.writev(parts, at)
  if (bytesWritten !== bytes) throw new Error(`the disk took ${bytesWritten} of ${bytes} bytes`)
}

/** Prefix and head; JSON may end with blanks. */
function headParts(fields: StoredHead, chunksCrc: number, roomBytes = 0): Uint8Array[] {
  const head = Buffer.from(JSON.stringify(fields).padEnd(roomBytes))
  if (roomBytes > 0 && head.length > roomBytes) throw new Error(`a head of ${head.length} bytes exceeds its room`)
  const prefix = Buffer.alloc(prefixBytes)
  magic.copy(prefix)
  prefix.writeUInt32BE(head.length, 4)
  prefix.writeUInt32BE(crc32(head), 8)
  prefix.writeUInt32BE(chunksCrc, 12)
  return [prefix, head]
}

function checksum(chunks: readonly Uint8Array[]): number {
  return chunks.reduce((crc, chunk) => crc32(chunk, crc), 0)
}

/** All whole frames in the order of the file, from a place behind one of them. */
async function* readFrames(file: FileHandle, from: number): AsyncGenerator<StoredFrame> {
  for (let at = from; ;) {
    const found = await readFrame(file, at)
    if (found !== undefined) yield found
    const next = found === undefined ? await findMagic(file, at + 1) : found.end
    if (next === undefined) return
    at = next
  }
}

/** Undefined for everything that is not a whole, unharmed frame. */
async function readFrame(file: FileHandle, at: number): Promise<StoredFrame | undefined> {
  const prefix = await readBytes(file, at, prefixBytes)
  if (!prefix?.subarray(0, magic.length).equals(magic)) return undefined
  const headBytes = prefix.readUInt32BE(4)
  if (headBytes > maxHeadBytes) return undefined
  const headJson = await readBytes(file, at + prefixBytes, headBytes)
  if (!headJson || crc32(headJson) !== prefix.readUInt32BE(8)) return undefined
  const head = parseHead(headJson.toString())
  if (!head) return undefined
  const start = at + prefixBytes + headBytes
  const end = head.chunk_bytes.reduce((sum, bytes) => sum + bytes, start)
  if ((await checksumOf(file, start, end)) !== prefix.readUInt32BE(12)) return undefined
  return { head, start, end }
}

/** Undefined when the file ends before. */
async function checksumOf(file: FileHandle, start: number, end: number): Promise<number | undefined> {
  const window = Buffer.allocUnsafeSlow(Math.min(checkedBytes, end - start))
  let crc = 0
  for (let at = start; at < end;) {
    const { bytesRead } = await file.read(window, 0, Math.min(window.length, end - at), at)
    if (bytesRead === 0) return undefined
    crc = crc32(window.subarray(0, bytesRead), crc)
    at += bytesRead
  }
  return crc
}

async function* readChunks(file: FileHandle, head: StoredHead, start: number): AsyncGenerator<Uint8Array> {
  let at = start
  for (const bytes of head.chunk_bytes) {
    const chunk = await readBytes(file, at, bytes)
    if (chunk === undefined) throw new Error('the stored snapshot was cut off while it was read')
    yield chunk
    at += bytes
  }
}

/** Undefined when the file ends before. The size is asked first: a torn head must not make us allocate what it claims. */
async function readBytes(file: FileHandle, at: number, bytes: number): Promise<Buffer | undefined> {
  const { size } = await file.stat()
  if (at + bytes > size) return undefined
  const buffer = Buffer.allocUnsafeSlow(bytes)
  let read = 0
  while (read < bytes) {
    const { bytesRead } = await file.read(buffer, read, bytes - read, at + read)
    if (bytesRead === 0) return undefined
    read += bytesRead
  }
  return buffer
}

async function findMagic(file: FileHandle, from: number): Promise<number | undefined> {
  const window = Buffer.alloc(scanBytes)
  for (let at = from; ; at += scanBytes - magic.length) {
    const { bytesRead } = await file.read(window, 0, scanBytes, at)
    const found = window.subarray(0, bytesRead).indexOf(magic)
    if (found !== -1) return at + found
    if (bytesRead < scanBytes) return undefined
  }
}

async function removeStaleTmp(dir: string): Promise<void> {
  for (const name of await readdir(dir)) {
    if (!name.startsWith(`${fileName}.`) || !name.endsWith('.tmp')) continue
    const path = join(dir, name)
    const age = await stat(path).then(
      ({ mtimeMs }) => Date.now() - mtimeMs,
      () => 0,
    )
    if (age > staleTmpMs) await rm(path, { force: true })
  }
}

/** The new name must be on disk too. */
async function syncDir(dir: string): Promise<void> {
  const handle = await open(dir, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function noFile(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}
