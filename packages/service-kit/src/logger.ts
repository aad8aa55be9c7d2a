// The log of a process: pino for levels, children and serializers; our own last step for format and secrets. Invariant:
// whatever reaches an output went through the scrubber twice, value by value and as the finished line. Lines wait in
// a bounded buffer when the reader of stdout is slow; past the bound they are dropped and counted, never waited for.
// Left out: transports in worker threads (a line would be lost when the process dies).

import pino from 'pino'
import type { EnvironmentVariable } from './environment-variables.ts'
import { envBoolean, envChoice, envInteger, envParsed, envString } from './environment-variables.ts'
import { createStdoutOutput, type LogOutput } from './log-output.ts'
import { createLogFile } from './log-file.ts'
import { createLineFormatter, type LogFormat } from './log-line.ts'
import { accepted, refused } from './parse-result.ts'
import type { SecretScrubber } from './secret-scrubber.ts'

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const

export type LogLevel = (typeof LOG_LEVELS)[number]

type LogMethod = {
  (message: string): void
  /** An error belongs under `err`. */
  (fields: Readonly<Record<string, unknown>>, message: string): void
}

export interface Logger {
  readonly trace: LogMethod
  readonly debug: LogMethod
  readonly info: LogMethod
  readonly warn: LogMethod
  readonly error: LogMethod
  readonly fatal: LogMethod
  child(fields: Readonly<Record<string, unknown>>): Logger
}

/** What the composition root holds; everything else gets `logger` only. */
export type Log = {
  readonly logger: Logger
  /** For texts that leave by another way: an error body, stderr. */
  scrub(text: string): string
  /** Writes what waits, synchronously; for the moment before the process dies. */
  flush(): void
  close(): Promise<void>
  readonly droppedLines: number
}

export type LogOptions = {
  readonly level: LogLevel
  readonly format: LogFormat
  readonly scrubber: SecretScrubber
  /** In every line: service, instance. */
  readonly fields?: Readonly<Record<string, unknown>>
  /** Written beside stdout. */
  readonly file?: { readonly path: string; readonly maxBytes: number; readonly maxFiles: number }
  /** Replaces stdout. */
  readonly output?: LogOutput
}

export type LogValues = {
  readonly LOG_LEVEL: LogLevel
  readonly LOG_FORMAT: LogFormat
  readonly LOG_ENABLE_FILE: boolean
  readonly LOG_FILE_PATH: string
  readonly LOG_FILE_MAX_BYTES: number
  readonly LOG_FILE_MAX_FILES: number
}

export function logVariables(): { [K in keyof LogValues]: EnvironmentVariable<LogValues[K]> } {
  return {
    LOG_LEVEL: envParsed(parseLevel, {
      default: 'info' as LogLevel,
      description: `Least level: ${LOG_LEVELS.join(', ')}`,
    }),
    LOG_FORMAT: envChoice(['text', 'json'], { default: 'text', description: 'Form of a line: text, json' }),
    LOG_ENABLE_FILE: envBoolean({ default: false, description: 'Write the log into a file too' }),
    LOG_FILE_PATH: envString({ default: './data/logs/app.log', description: 'That file' }),
    LOG_FILE_MAX_BYTES: envInteger({
      default: 104_857_600,
      min: 65_536,
      description: 'Bytes at which the file is set aside and a new one begun',
    }),
    LOG_FILE_MAX_FILES: envInteger({
      default: 5,
      min: 1,
      max: 100,
      description: 'Files kept, the current one included',
    }),
  }
}

/** The options that the LOG_* variables stand for. */
export function logOptions(config: LogValues): Pick<LogOptions, 'level' | 'format' | 'file'> {
  const { LOG_FILE_PATH: path, LOG_FILE_MAX_BYTES: maxBytes, LOG_FILE_MAX_FILES: maxFiles } = config
  const file = config.LOG_ENABLE_FILE ? { file: { path, maxBytes, maxFiles } } : {}
  return { level: config.LOG_LEVEL, format: config.LOG_FORMAT, ...file }
}

export function createLog(options: LogOptions): Log {
  const { scrubber, level, format, fields = {} } = options
  const outputs = [options.output ?? createStdoutOutput()]
  if (options.file) outputs.push(createLogFile(options.file))
  const formatLine = createLineFormatter(format, (text) => scrubber.scrub(text))
  const write = (line: string): void => {
    const finished = formatLine(line)
    for (const output of outputs) output.write(finished)
  }
  return {
    logger: createPino(level, fields, write),
    scrub: (text) => scrubber.scrub(text),
    flush: () => outputs.forEach((output) => output.flush()),
    close: async () => void (await Promise.allSettled(outputs.map((output) => output.close()))),
    get droppedLines() {
      return outputs.reduce((sum, output) => sum + output.droppedLines, 0)
    },
  }
}

function createPino(level: LogLevel, fields: Readonly<Record<string, unknown>>, write: (line: string) => void): Logger {
  return pino(
    {
      level,
      base: { ...fields },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: pino.stdSerializers.err, error: pino.stdSerializers.err },
    },
    { write },
  ) as unknown as Logger
}

function parseLevel(text: string) {
  const lower = text.trim().toLowerCase()
  const level = LOG_LEVELS.find((candidate) => candidate === (lower === 'warning' ? 'warn' : lower))
  return level ? accepted(level) : refused('is not a log level', `use ${LOG_LEVELS.join(', ')}`)
}
