// The frame around a composition root: signals, failures of the start, failures nobody caught, exit codes.
//
//   start refused (configuration, port in use, …)   one message on stderr, no stack, exit 1
//   SIGTERM, SIGINT                                 everything is closed in reverse order, exit 0
//   a second signal                                 exit at once, 143 or 130
//   uncaught exception, unhandled rejection         logged as fatal, exit 1 at once: the state cannot be trusted
//   context.fail(error)                             logged as fatal, everything is closed, exit 1

import { createSystemClock } from './clock.ts'
import { createLifecycle, type Lifecycle } from './lifecycle.ts'
import type { Log } from './logger.ts'
import { scrubPatterns } from './secret-patterns.ts'
import { describeStartupError } from './startup-error.ts'

export type ProcessContext = {
  /** Closed when the process ends, in whichever way but the immediate ones. */
  readonly lifecycle: Lifecycle
  /** From here on failures are logged there instead of being printed. */
  useLog(log: Log): void
  /** Ends the process in order because it can no longer do its work. */
  fail(error: unknown): void
}

const SIGNAL_EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const

type EndingSignal = keyof typeof SIGNAL_EXIT_CODES

/** Runs `main`, which opens everything and returns; the process then lives until a signal or a failure. */
export function runProcess(main: (context: ProcessContext) => Promise<void>): void {
  let log: Log | undefined
  let isEnding = false
  const lifecycle = createLifecycle({
    clock: createSystemClock(),
    logger: {
      debug: (fields: unknown, message?: string) =>
        void (message && log?.logger.debug(fields as object as never, message)),
      error: (fields: unknown, message?: string) => report('error', fields, message ?? ''),
    },
  })

  function report(level: 'error' | 'fatal', fields: unknown, message: string): void {
    if (log) return log.logger[level](fields as Record<string, unknown>, message)
    const error = (fields as { err?: unknown }).err
    const detail = error instanceof Error ? (error.stack ?? error.message) : String(error)
    process.stderr.write(`${scrubPatterns(`${message}: ${detail}`)}\n`)
  }

  async function end(exitCode: number): Promise<void> {
    isEnding = true
    await lifecycle.close()
    await log?.close()
    process.exit(exitCode)
  }

  function onSignal(signal: EndingSignal): void {
    if (isEnding) return exitNow(SIGNAL_EXIT_CODES[signal])
    log?.logger.info({ signal }, 'closing')
    void end(0)
  }

  function exitNow(exitCode: number): void {
    log?.flush()
    process.exit(exitCode)
  }

  function crash(error: unknown, origin: string): void {
    report('fatal', { err: asError(error), origin }, 'uncaught failure')
    exitNow(1)
  }

  function fail(error: unknown): void {
    if (isEnding) return
    report('fatal', { err: asError(error) }, 'the process cannot go on')
    void end(1)
  }

  function refuseStart(error: unknown): void {
    // Closing during a start makes it fail in arbitrary ways, none of them worth a message.
    if (isEnding) return
    const message = describeStartupError(error)
    if (message === undefined) report('fatal', { err: asError(error) }, 'start failed')
    else process.stderr.write(`${scrubPatterns(log ? log.scrub(message) : message)}\n`)
    void end(1)
  }

  for (const signal of Object.keys(SIGNAL_EXIT_CODES) as EndingSignal[]) process.on(signal, () => onSignal(signal))
  process.on('uncaughtException', (error) => crash(error, 'uncaughtException'))
  process.on('unhandledRejection', (reason) => crash(reason, 'unhandledRejection'))
  Promise.try(main, { lifecycle, useLog: (next) => void (log = next), fail }).catch(refuseStart)
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(`thrown value: ${String(error)}`)
}
