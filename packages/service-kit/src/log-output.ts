// Lines on their way to stdout. Writing is left to the thread pool, one write at a time, so that a reader that does
// not read stalls neither the event loop nor the end of the process; what waits is bounded. (pino's own destination
// was tried and hangs in process.exit when the pipe has been closed.)

import { constants, fstatSync, openSync, write as writeAsync, writeSync } from 'node:fs'

/** Where finished lines go. `write` never waits and never throws. */
export interface LogOutput {
  write(line: string): void
  /** Writes what waits before it returns, as far as the reader takes it. */
  flush(): void
  close(): Promise<void>
  readonly droppedLines: number
}

/** Lines that wait for a slow reader; past it lines are dropped. About 30,000 lines of 300 bytes. */
const MAX_WAITING_BYTES = 8 * 1024 * 1024
/** One write: enough for throughput, small enough for a pipe's 64 KiB. */
const MAX_WRITE_BYTES = 64 * 1024
/** A full pipe answers EAGAIN. */
const RETRY_MS = 20
/** A reader that is stuck must not keep the process from ending. */
const CLOSE_TIMEOUT_MS = 1_000
const STDOUT_FD = 1

export function createStdoutOutput(): LogOutput {
  const fd = nonBlocking(STDOUT_FD)
  const waiting: Buffer[] = []
  let waitingBytes = 0
  let droppedLines = 0
  let isWriting = false
  let isBroken = false
  let onIdle: (() => void) | undefined

  /** Takes whole lines up to MAX_WRITE_BYTES, one at least. */
  function takeChunk(): Buffer {
    let count = 0
    for (let bytes = 0; count < waiting.length; count += 1) {
      bytes += waiting[count]?.length ?? 0
      if (bytes > MAX_WRITE_BYTES && count > 0) break
    }
    const chunk = Buffer.concat(waiting.splice(0, count))
    waitingBytes -= chunk.length
    return chunk
  }

  function writeNext(): void {
    if (isWriting) return
    if (waiting.length === 0) return void onIdle?.()
    isWriting = true
    writeChunk(takeChunk())
  }

  function writeChunk(chunk: Buffer): void {
    writeAsync(fd, chunk, (error, writtenBytes) => {
      if (error?.code === 'EAGAIN') return void setTimeout(() => writeChunk(chunk), RETRY_MS)
      if (error) giveUp()
      else if (writtenBytes < chunk.length) return writeChunk(chunk.subarray(writtenBytes))
      isWriting = false
      writeNext()
    })
  }

  /** EPIPE: whoever read the log is gone. The process serves on without. */
  function giveUp(): void {
    isBroken = true
    droppedLines += waiting.length
    waiting.length = 0
    waitingBytes = 0
  }

  return {
    write(line) {
      const bytes = Buffer.from(line)
      if (isBroken || waitingBytes + bytes.length > MAX_WAITING_BYTES) return void (droppedLines += 1)
      waiting.push(bytes)
      waitingBytes += bytes.length
      // After this turn: many lines of one turn become one write.
      if (!isWriting && waiting.length === 1) setImmediate(writeNext)
    },
    flush() {
      while (waiting.length > 0 && !isBroken) if (!writeAtOnce(fd, takeChunk())) giveUp()
    },
    async close() {
      const { promise, resolve } = Promise.withResolvers<void>()
      const timeout = setTimeout(resolve, CLOSE_TIMEOUT_MS)
      onIdle = resolve
      writeNext()
      await promise
      clearTimeout(timeout)
    },
    get droppedLines() {
      return droppedLines
    },
  }
}

function writeAtOnce(fd: number, chunk: Buffer): boolean {
  const deadlineMs = performance.now() + CLOSE_TIMEOUT_MS
  for (let at = 0; at < chunk.length;) {
    try {
      at += writeSync(fd, chunk, at)
    } catch (error) {
      const isFull = error instanceof Error && 'code' in error && error.code === 'EAGAIN'
      if (!isFull || performance.now() > deadlineMs) return false
      pauseThread(RETRY_MS)
    }
  }
  return true
}

/** Only for the moment before the process dies: nothing else runs meanwhile. */
function pauseThread(durationMs: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, durationMs)
}

/**
 * process.exit waits for a write that blocks in the thread pool. A pipe is therefore opened once more, for this process
 * alone, without blocking; other processes keep theirs as it is. Where that is not possible (a pipe of another user, a
 * socket, no /proc) a reader that is stuck delays the end until the supervisor's SIGKILL.
 */
function nonBlocking(fd: number): number {
  try {
    if (!fstatSync(fd).isFIFO()) return fd
    return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK)
  } catch {
    return fd
  }
}
