import type { IncomingMessage } from 'node:http'
import type { AdminKeys, Actor } from '../admin-keys.ts'
import { ApiProblem } from './api-problem.ts'
import type { FailureThrottle } from './failure-throttle.ts'

/**
 * The admin key of a request: the first place that holds a value decides, a wrong value there is final (GPT-Load's
 * order). Keys in a query are for GPT-Load's own routes only: URLs end up in logs.
 */
export type AuthenticateAdmin = (request: IncomingMessage, clientAddress: string) => Promise<Actor>

export function createAuthenticateAdmin(options: {
  adminKeys: AdminKeys
  throttle: FailureThrottle
}): AuthenticateAdmin {
  const { adminKeys, throttle } = options
  return async (request, clientAddress) => {
    const waitMs = throttle.waitMs(clientAddress)
    if (waitMs > 0) throw tooManyFailures(waitMs)
    const token = presentedToken(request)
    const actor = token === '' ? null : await adminKeys.verify(token)
    if (actor !== null) return actor
    if (token !== '') throttle.recordFailure(clientAddress)
    throw new ApiProblem('unauthorized', 'Send the admin key as "Authorization: Bearer …".', {
      headers: { 'www-authenticate': 'Bearer realm="gpt-load"' },
    })
  }
}

export function tooManyFailures(waitMs: number): ApiProblem {
  const seconds = Math.max(1, Math.ceil(waitMs / 1_000))
  return new ApiProblem('too_many_requests', `Too many wrong keys from this address. Wait ${seconds} s.`, {
    headers: { 'retry-after': String(seconds) },
  })
}

/** '' = none in any place. */
export function presentedToken(request: IncomingMessage): string {
  const bearer = /^bearer +(\S.*?) *$/i.exec(request.headers.authorization ?? '')?.[1]
  return bearer ?? (headerText(request, 'x-api-key') || headerText(request, 'x-goog-api-key'))
}

function headerText(request: IncomingMessage, name: string): string {
  const value = request.headers[name]
  return (Array.isArray(value) ? value[0] : value) ?? ''
}
