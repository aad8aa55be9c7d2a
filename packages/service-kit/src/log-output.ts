import pino from 'pino'

/** Where finished lines go. `write` never waits and never throws. */
export interface LogOutput {
  write(line: string): void
  flush(): void
  close(): Promise<void>
  readonly droppedLines: number
}

/** Lines that wait for a slow reader; past it lines are dropped. About 30,000 lines of 300 bytes. */
const MAX_WAITING_BYTES = 8 * 1024 * 1024
/** A reader that is stuck must not keep the process from ending. */
const CLOSE_TIMEOUT_MS = 1_000

export function createStdoutOutput(fd = 1): LogOutput {
  const stream = pino.destination({ fd, sync: false, minLength: 0, maxLength: MAX_WAITING_BYTES })
  let droppedLines = 0
  let isBroken = false
  stream.on('drop', () => void (droppedLines += 1))
  // EPIPE: whoever read the log is gone. The process serves on without.
  stream.on('error', () => void (isBroken = true))
  return {
    write(line) {
      if (isBroken) droppedLines += 1
      else stream.write(line)
    },
    flush() {
      if (isBroken) return
      try {
        stream.flushSync()
      } catch {
        isBroken = true
      }
    },
    close: () => (isBroken ? Promise.resolve() : flushed(stream)),
    get droppedLines() {
      return droppedLines
    },
  }
}

function flushed(stream: ReturnType<typeof pino.destination>): Promise<void> {
  return new Promise((resolve) => {
    const timeout = setTimeout(resolve, CLOSE_TIMEOUT_MS)
    stream.flush(() => {
      clearTimeout(timeout)
      resolve()
    })
  })
}
