type TransportLogMethod = (fields: Readonly<Record<string, unknown>>, message: string) => void

/** What the adapters report to; packages/service-kit's Logger fits. Fields never hold a secret or a payload. */
export interface TransportLogger {
  readonly debug: TransportLogMethod
  readonly info: TransportLogMethod
  readonly warn: TransportLogMethod
  readonly error: TransportLogMethod
}

const ignore: TransportLogMethod = () => undefined

export const silentLogger: TransportLogger = { debug: ignore, info: ignore, warn: ignore, error: ignore }
