import { createReadStream, unwatchFile, watchFile } from 'node:fs'
import { access } from 'node:fs/promises'
import { resolve } from 'node:path'
import { readKeys } from '@gpt-load/config-file/keys-file'
import { seedDefaultGroup, type DefaultGroupSeed } from '@gpt-load/config-service/config/seed-default-group'
import type { VerbContext } from '@gpt-load/config-service/verb'
import type { Logger } from '@gpt-load/service-kit/logger'
import { startPeriodic } from '@gpt-load/service-kit/periodic'
import type { Clock } from '@gpt-load/service-kit/clock'
import { StartupError } from '@gpt-load/service-kit/startup-error'

/** The keys file of GPT-Load 0.1: read at start, and again on SIGHUP and when it changed. */
const defaultName = 'keys.txt'
const watchIntervalMs = 2_000
/** Nothing but triggers runs the reload; the interval is only its floor. */
const neverMs = 86_400_000

export type KeyLine = { line: number; key: string }

/** The file that KEYS_FILE names, or ./keys.txt when it is there; null = none. A named file must exist. */
export async function findKeysFile(named: string | undefined, directory: string): Promise<string | null> {
  const path = resolve(directory, named ?? defaultName)
  const isThere = await access(path).then(
    () => true,
    () => false,
  )
  if (isThere) return path
  if (named === undefined) return null
  throw new StartupError(`KEYS_FILE names ${path}, which cannot be read`, 'correct the path, or its mode')
}

export async function* openKeysFile(path: string, logger: Pick<Logger, 'warn'>): AsyncGenerator<KeyLine> {
  const onProblem = ({ line, message }: { line: number; message: string }): void =>
    logger.warn({ file: path, line }, `a line of the keys file was passed over: ${message}`)
  for await (const batch of readKeys(createReadStream(path, { highWaterMark: 262_144 }), { onProblem })) yield* batch
}

/** Adds what is new in the file whenever it changes or the process gets SIGHUP. */
export function followKeysFile(options: {
  path: string
  context(): VerbContext
  seed: Omit<DefaultGroupSeed, 'keys'>
  logger: Logger
  clock: Clock
}): { stop(): Promise<void> } {
  const { path, logger } = options
  const reload = startPeriodic({
    name: 'keys file',
    intervalMs: neverMs,
    clock: options.clock,
    logger,
    async run() {
      const { keys } = await seedDefaultGroup(options.context(), { ...options.seed, keys: openKeysFile(path, logger) })
      if (keys !== null && keys.added > 0) logger.info({ added: keys.added, total: keys.total }, 'keys file reloaded')
    },
  })
  const trigger = (): void => reload.trigger()
  watchFile(path, { interval: watchIntervalMs }, trigger)
  process.on('SIGHUP', trigger)
  return {
    async stop() {
      unwatchFile(path, trigger)
      process.off('SIGHUP', trigger)
      await reload.stop()
    },
  }
}
