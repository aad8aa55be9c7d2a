import { unwatchFile, watchFile } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import type { Logger } from '@gpt-load/service-kit/logger'
import { StartupError } from '@gpt-load/service-kit/startup-error'
import type { ClientTls } from './data-plane/wire/downstream-exchange.ts'

/**
 * The certificate that clients are served under, from its files, read again when they change (certbot, cert-manager). A pair
 * that does not fit is refused at start; later the former one stays in force and the log says why.
 */
export interface ClientTlsFiles {
  current(): ClientTls | null
  close(): void
}

/** Certificate and key are seldom written at the same instant: a pair that does not fit is looked at again. */
const defaultWatchIntervalMs = 2_000

export async function openClientTls(options: {
  /** '' = plain connections. */
  certFile: string
  keyFile: string
  logger: Pick<Logger, 'info' | 'error'>
  onChange(tls: ClientTls): void
  watchIntervalMs?: number
}): Promise<ClientTlsFiles> {
  const { certFile, keyFile, logger, watchIntervalMs = defaultWatchIntervalMs } = options
  if (certFile === '') return { current: () => null, close() {} }
  let current = await readPair(certFile, keyFile).catch((error: unknown) => {
    throw new StartupError(
      `TLS_CERT and TLS_KEY cannot be used: ${(error as Error).message}`,
      'name the PEM files of a certificate (with its chain) and of its key',
      { cause: error },
    )
  })
  async function reload(): Promise<void> {
    try {
      const next = await readPair(certFile, keyFile)
      if (next.cert === current.cert && next.key === current.key) return
      current = next
      options.onChange(next)
      logger.info({ file: certFile }, 'serving another certificate')
    } catch (error) {
      logger.error({ err: error, file: certFile }, 'the changed certificate cannot be used, the former one stays')
    }
  }
  const changed = (): void => void reload()
  for (const file of [certFile, keyFile]) watchFile(file, { interval: watchIntervalMs, persistent: false }, changed)
  return {
    current: () => current,
    close() {
      for (const file of [certFile, keyFile]) unwatchFile(file, changed)
    },
  }
}

async function readPair(certFile: string, keyFile: string): Promise<ClientTls> {
  const [cert, key] = await Promise.all([readFile(certFile, 'utf8'), readFile(keyFile, 'utf8')])
  // Throws when they do not belong together.
  createSecureContext({ cert, key })
  return { cert, key }
}
