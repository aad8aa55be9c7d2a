import type { IncomingMessage } from 'node:http'
import { idempotencyHeaders } from '@gpt-load/contracts/api/endpoint'
import { ApiProblem } from './api-problem.ts'

/** null = the client sent none. */
export function readIdempotencyKey(request: IncomingMessage): string | null {
  const key = request.headers[idempotencyHeaders.key]
  if (key === undefined) return null
  if (typeof key === 'string' && /^[\x21-\x7e]{1,255}$/.test(key)) return key
  throw new ApiProblem('bad_request', 'Idempotency-Key takes 1 to 255 visible ASCII characters.')
}
