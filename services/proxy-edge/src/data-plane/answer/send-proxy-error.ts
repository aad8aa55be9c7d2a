import { STATUS_CODES } from '@gpt-load/service-kit/node-http'
import type { Channel } from '@gpt-load/channels/channel'
import { proxyErrors, requestIdHeader, type ProxyErrorCode } from '@gpt-load/contracts/proxy-errors'
import type { ReachedLimit } from '../caller-limits/caller-limits.ts'
import type { CorsPolicy } from '../route/cors-policy.ts'
import type { DownstreamExchange } from '../wire/downstream-exchange.ts'

export type ProxyError = {
  status: number
  code: string
  message: string
  requestId: string
  /** 0 = no Retry-After. */
  retryAfterSeconds: number
  /** Further ones, name and value in turn. */
  headers: readonly string[]
}

export function proxyError(code: ProxyErrorCode, requestId: string, retryAfterSeconds = 0): ProxyError {
  return { ...proxyErrors[code], code, requestId, retryAfterSeconds, headers: [] }
}

/** Says which limit, and in the headers that OpenAI's answers have (rate limits in headers) when there is room again. */
export function limitError({ of, name, most, retryAfterSeconds }: ReachedLimit, requestId: string): ProxyError {
  const error = proxyError('RATE_LIMITED', requestId, retryAfterSeconds)
  error.message += ` (${name} of the ${of}: ${most})`
  if (name === 'max_concurrent_requests') return error
  const kind = name === 'max_tokens_per_minute' ? 'tokens' : 'requests'
  const values = { limit: String(most), remaining: '0', reset: `${retryAfterSeconds}s` }
  return {
    ...error,
    headers: Object.entries(values).flatMap(([what, value]) => [`x-ratelimit-${what}-${kind}`, value]),
  }
}

/** An error of our own, whole, in the caller's dialect. Answers how many bytes its body has. */
export function sendProxyError(
  exchange: DownstreamExchange,
  channel: Channel,
  error: ProxyError,
  cors: CorsPolicy | null,
): number {
  const rendered = channel.renderError(error)
  const body = Buffer.from(rendered.body)
  const headers = [...rendered.headers, 'Content-Length', String(body.length), requestIdHeader, error.requestId]
  if (error.retryAfterSeconds > 0) headers.push('Retry-After', String(error.retryAfterSeconds))
  headers.push(...error.headers)
  cors?.decorate(headers, exchange.rawHeaders)
  exchange.writeHead(error.status, STATUS_CODES[error.status] ?? '', headers)
  if (exchange.method !== 'HEAD') exchange.write(body)
  exchange.end()
  return body.length
}
