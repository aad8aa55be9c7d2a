import type { UpstreamErrorKind } from '../upstream-exchange.ts'

/** A connection that did not come about, told apart by stage. The message holds no address and no URL. */
export class ConnectError extends Error {
  readonly kind: UpstreamErrorKind
  readonly code: string

  constructor(kind: UpstreamErrorKind, code: string) {
    super(`${kind} (${code})`)
    this.name = 'ConnectError'
    this.kind = kind
    this.code = code
  }
}

/** Maps what net, tls and dns raise before a connection stands. */
export function toConnectError(error: unknown, isHandshake: boolean): ConnectError {
  if (error instanceof ConnectError) return error
  if (error instanceof AggregateError && error.errors.length > 0) return toConnectError(error.errors[0], isHandshake)
  const code = codeOf(error)
  if (code === 'ENOTFOUND' || code.startsWith('EAI_')) return new ConnectError('dns', code)
  if (code === 'ETIMEDOUT') return new ConnectError('connect_timeout', code)
  if (isHandshake) return new ConnectError('tls', code)
  if (code === 'ECONNREFUSED' || code === 'EHOSTUNREACH' || code === 'ENETUNREACH' || code === 'ENOENT')
    return new ConnectError('refused', code)
  return new ConnectError(code === 'ECONNRESET' ? 'reset' : 'other', code)
}

export function codeOf(error: unknown): string {
  const code = error instanceof Error ? (error as Error & { code?: unknown }).code : undefined
  return typeof code === 'string' ? code.slice(0, 60) : 'UNKNOWN'
}
