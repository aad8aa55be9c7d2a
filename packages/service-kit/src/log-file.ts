// The log in a file, set aside by size: app.log, app.log.1 (the newest of the old ones), app.log.2 … A failing disk
// costs lines of this file, which are counted, never the process: stdout has them too.

import { closeSync, fstatSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import type { LogOutput } from './log-output.ts'

export type LogFileOptions = {
  readonly path: string
  /** Size at which the file is set aside; a single longer line still goes in whole. */
  readonly maxBytes: number
  /** The current file and the old ones together. */
  readonly maxFiles: number
}

/** Throws when the file cannot be opened at first: that is a mistake of the configuration. */
export function createLogFile(options: LogFileOptions): LogOutput {
  const { path, maxBytes, maxFiles } = options
  mkdirSync(dirname(path), { recursive: true })
  let fd: number | undefined
  let sizeBytes = 0
  let droppedLines = 0
  open()

  function open(): void {
    fd = openSync(path, 'a', 0o600)
    sizeBytes = fstatSync(fd).size
  }

  function closeFile(): void {
    if (fd !== undefined) closeSync(fd)
    fd = undefined
  }

  function rotate(): void {
    closeFile()
    if (maxFiles === 1) rmSync(path, { force: true })
    for (let number = maxFiles - 1; number >= 1; number -= 1) {
      renameIfPresent(number === 1 ? path : `${path}.${number - 1}`, `${path}.${number}`)
    }
    open()
  }

  function write(line: string): void {
    const bytes = Buffer.from(line)
    try {
      if (fd === undefined) open()
      if (sizeBytes > 0 && sizeBytes + bytes.length > maxBytes) rotate()
      for (let at = 0; at < bytes.length;) at += writeSync(fd as number, bytes, at)
      sizeBytes += bytes.length
    } catch {
      droppedLines += 1
    }
  }

  return {
    write,
    flush: () => undefined,
    close: async () => closeFile(),
    get droppedLines() {
      return droppedLines
    },
  }
}

function renameIfPresent(from: string, to: string): void {
  try {
    renameSync(from, to)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
  }
}
