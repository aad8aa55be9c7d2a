import { open, rename, rmdir, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock, Timer } from '@gpt-load/service-kit/clock'
import type { Logger } from '@gpt-load/service-kit/logger'
import type { SealedBatch } from '@gpt-load/transport/log-stream'
import { openPath, removeSegment, sealedPath, takeAbandoned, touchFolder, type Segment } from './segment-files.ts'
import { encodeRecord, maxRecordBytes, readRecords } from './spool-record.ts'

/**
 * Request records that the log stream does not take, on disk: appended to segment files, read back oldest first, a megabyte
 * at a time. A segment goes when all of it is acknowledged; after a crash it is sent again from its beginning, which the
 * identity of batches makes harmless. Past its bound the oldest segment is dropped. A disk that fails (full, read-only) is
 * left alone for a while and tried again; the shipper keeps its batches meanwhile.
 */
export const spoolFsyncPolicies = ['always', 'segment', 'never'] as const
export type SpoolFsync = (typeof spoolFsyncPolicies)[number]

export type LogSpoolOptions = {
  /** Shared by the processes of a machine. */
  dir: string
  instance: string
  maxBytes: number
  fsync: SpoolFsync
  /** What a process left that has been silent for so long is taken over. */
  takeOverAfterMs: number
  /** Records of an earlier process are there to be sent. */
  onTakenOver(): void
  clock: Clock
  logger: Logger
}

export type SpoolChunk = { batches: readonly SealedBatch[]; isOwn: boolean }

export type LogSpoolCounts = {
  /** Records of this process that lie on disk. */
  records: number
  /** Of all segments, also those of earlier processes. */
  bytes: number
  /** Records of this process that were dropped at the bound. */
  dropped: number
  /** Segments of earlier processes that were taken over. */
  takenOver: number
  /** Segments that had a damaged end, or could not be read at all. */
  damaged: number
}

export interface LogSpool {
  /** Rejects when the disk does not take them; nothing is known of them then, and they stay the caller's. */
  append(batches: readonly SealedBatch[]): Promise<void>
  /** The oldest batches that are not acknowledged; null = there are none. The same again until `acknowledge`. */
  next(): Promise<SpoolChunk | null>
  acknowledge(): Promise<void>
  readonly isEmpty: boolean
  /** '' = the disk takes what it is given. */
  readonly trouble: string
  readonly counts: Readonly<LogSpoolCounts>
  close(): Promise<void>
}

const segmentBytes = 8 * 1_048_576
const restAfterFailureMs = 10_000
/** A process that misses so many touches of its folder counts as gone. */
const touchesToMiss = 4

export function createLogSpool(options: LogSpoolOptions): LogSpool {
  const { clock, logger, fsync, maxBytes } = options
  const folder = join(options.dir, options.instance)
  const counts: LogSpoolCounts = { records: 0, bytes: 0, dropped: 0, takenOver: 0, damaged: 0 }
  const segments: Segment[] = []
  let writing: { handle: FileHandle; number: number; bytes: number; records: number } | null = null
  let reading: { handle: FileHandle; segment: Segment; at: number; length: number; records: number } | null = null
  let nextNumber = 1
  let writeTrouble = ''
  let folderTrouble = ''
  let restsUntilMs = 0
  let timer: Timer | undefined
  let isClosed = false
  /** One thing at a time: appending, reading, taking over. */
  let queue: Promise<unknown> = Promise.resolve()

  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const run = queue.then(work)
    queue = run.catch(() => undefined)
    return run
  }

  /** Answers its code; told once as long as it stays the same. */
  function noteTrouble(error: unknown, known: string): string {
    const code = (error as NodeJS.ErrnoException).code ?? String(error)
    if (code !== known) logger.error({ err: error }, 'the log spool cannot be written: records wait in memory')
    return code
  }

  async function touch(): Promise<void> {
    await touchFolder(folder, clock.nowMs())
    folderTrouble = ''
  }

  async function openSegment(): Promise<NonNullable<typeof writing>> {
    await touch()
    const number = nextNumber++
    const handle = await open(openPath(folder, number), 'wx', 0o600)
    return { handle, number, bytes: 0, records: 0 }
  }

  async function write(batches: readonly SealedBatch[]): Promise<void> {
    if (clock.monotonicMs() < restsUntilMs) throw new Error(`the log spool rests after ${writeTrouble}`)
    const bytes = Buffer.concat(batches.map(encodeRecord))
    const records = recordsIn(batches)
    try {
      writing ??= await openSegment()
      await writing.handle.appendFile(bytes)
      if (fsync === 'always') await writing.handle.datasync()
    } catch (error) {
      writeTrouble = noteTrouble(error, writeTrouble)
      restsUntilMs = clock.monotonicMs() + restAfterFailureMs
      // What stands behind the last whole record is cut when it is read.
      await seal()
      throw error
    }
    writeTrouble = ''
    writing.bytes += bytes.length
    writing.records += records
    counts.bytes += bytes.length
    counts.records += records
    if (writing.bytes >= segmentBytes) await seal()
    await dropPastBound()
  }

  /** From now on it may be read, also when the disk fails meanwhile: then under the name that it has. */
  async function seal(): Promise<void> {
    if (writing === null) return
    const { handle, number, bytes, records } = writing
    writing = null
    const segment: Segment = { path: openPath(folder, number), bytes, records, isOwn: true }
    try {
      if (fsync === 'segment') await handle.datasync()
      await handle.close()
      if (bytes === 0) return await removeSegment(segment)
      const path = sealedPath(folder, number, records)
      await rename(segment.path, path)
      segment.path = path
    } catch (error) {
      writeTrouble = noteTrouble(error, writeTrouble)
    }
    if (bytes > 0) segments.push(segment)
  }

  async function dropPastBound(): Promise<void> {
    while (counts.bytes > maxBytes && segments.length > 0) {
      const [oldest] = segments
      if (reading?.segment === oldest) await stopReading()
      await forget(oldest!)
      if (oldest!.isOwn) counts.dropped += oldest!.records ?? 0
      logger.error(
        { segment: oldest!.path, records: oldest!.records, dropped_total: counts.dropped },
        'the log spool is full: its oldest records were dropped',
      )
    }
  }

  async function forget(segment: Segment): Promise<void> {
    segments.splice(segments.indexOf(segment), 1)
    counts.bytes -= segment.bytes
    if (segment.isOwn) counts.records -= segment.records ?? 0
    await removeSegment(segment)
  }

  async function stopReading(): Promise<void> {
    const { handle } = reading ?? {}
    reading = null
    await handle?.close()
  }

  async function read(): Promise<SpoolChunk | null> {
    for (;;) {
      if (segments.length === 0) await seal()
      // What was begun is read to its end, whatever was taken over and stands before it by now.
      const segment = reading?.segment ?? segments[0]
      if (segment === undefined) return null
      reading ??= await startReading(segment)
      if (reading === null) continue
      const { batches, length, isBroken } = await readAt(reading.handle, reading.at)
      if (batches.length > 0) {
        reading.length = length
        reading.records = recordsIn(batches)
        return { batches, isOwn: segment.isOwn }
      }
      if (isBroken) noteDamage(segment)
      await stopReading()
      await forget(segment)
    }
  }

  /** null: somebody has removed it; it is forgotten. */
  async function startReading(segment: Segment): Promise<typeof reading> {
    try {
      return { handle: await open(segment.path, 'r'), segment, at: 0, length: 0, records: 0 }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      noteDamage(segment)
      if (segment.isOwn) counts.dropped += segment.records ?? 0
      await forget(segment)
      return null
    }
  }

  function noteDamage({ path }: Segment): void {
    counts.damaged += 1
    logger.warn(
      { segment: path },
      'a segment of the log spool is damaged or gone: what stands before the damage is sent',
    )
  }

  async function takeOver(): Promise<void> {
    try {
      await touch()
      const taken = await takeAbandoned({
        spool: options.dir,
        own: folder,
        nowMs: clock.nowMs(),
        abandonedMs: options.takeOverAfterMs,
        nextNumber: () => nextNumber++,
      })
      if (taken.length === 0) return
      segments.unshift(...taken)
      counts.takenOver += taken.length
      for (const { bytes } of taken) counts.bytes += bytes
      logger.info({ segments: taken.length }, 'took over request records that an earlier process left')
      await dropPastBound()
      options.onTakenOver()
    } catch (error) {
      folderTrouble = noteTrouble(error, folderTrouble)
    }
  }

  function schedule(): void {
    if (isClosed) return
    const touchIntervalMs = options.takeOverAfterMs / touchesToMiss
    timer = clock.setTimeout(() => void inTurn(takeOver).finally(schedule), touchIntervalMs, { isBackground: true })
  }

  void inTurn(takeOver).finally(schedule)

  return {
    append: (batches) => inTurn(() => write(batches)),
    next: () => inTurn(read),
    acknowledge: () =>
      inTurn(async () => {
        if (reading === null) return
        const { segment, records } = reading
        if (segment.isOwn) {
          counts.records -= records
          segment.records = (segment.records ?? 0) - records
        }
        Object.assign(reading, { at: reading.at + reading.length, length: 0, records: 0 })
      }),
    get isEmpty() {
      return segments.length === 0 && writing === null
    },
    get trouble() {
      return writeTrouble || folderTrouble
    },
    counts,
    async close() {
      isClosed = true
      timer?.cancel()
      await inTurn(async () => {
        await stopReading()
        await seal()
        // Only when nothing is left in it.
        await rmdir(folder).catch(() => undefined)
      })
    },
  }
}

function recordsIn(batches: readonly SealedBatch[]): number {
  return batches.reduce((sum, { identity }) => sum + identity.count, 0)
}

/** Whole records from there on, about a megabyte of them. Nothing is "not whole yet" when all there is was read. */
async function readAt(handle: FileHandle, position: number) {
  const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(maxRecordBytes), 0, maxRecordBytes, position)
  const read = readRecords(buffer.subarray(0, bytesRead))
  return { ...read, isBroken: read.isBroken || (bytesRead < maxRecordBytes && read.length < bytesRead) }
}
