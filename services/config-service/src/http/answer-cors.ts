import type { CorsOptions } from '@gpt-load/service-kit/cors-variables'
import cors from 'cors'
import type { NextFunction, Request, Response } from 'express'

/**
 * The admin API for pages of other origins, when ENABLE_CORS says so (gpt-load/admin-api.md 1). It opens nothing: they need a key as
 * everybody does, and changes by the session cookie stay refused to them (refuse-cross-origin).
 */
const exposedHeaders = [
  'ETag',
  'Location',
  'Retry-After',
  'x-gptload-request-id',
  'x-gptload-revision',
  'x-gptload-applied',
  'idempotency-replayed',
]
const preflightMaxAgeSeconds = 86_400

export function answerCors({ allowedOrigins, allowedMethods, allowedHeaders, allowCredentials }: CorsOptions) {
  const allow = cors({
    origin: allowedOrigins.includes('*') ? '*' : [...allowedOrigins],
    methods: [...allowedMethods],
    // Left out: what the page asks for.
    ...(allowedHeaders.includes('*') ? {} : { allowedHeaders: [...allowedHeaders] }),
    exposedHeaders,
    credentials: allowCredentials,
    maxAge: preflightMaxAgeSeconds,
  })
  return (request: Request, response: Response, next: NextFunction): void => {
    const isPreflight = request.headers['access-control-request-method'] !== undefined
    if (request.headers.origin === undefined || (request.method === 'OPTIONS' && !isPreflight)) return next()
    allow(request, response, next)
  }
}
