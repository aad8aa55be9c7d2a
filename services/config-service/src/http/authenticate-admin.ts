import type { IncomingMessage } from 'node:http'
import type { EndpointScope } from '@gpt-load/contracts/api/endpoint'
import { anonymous, type Actor } from '../admin-keys.ts'
import type { Services } from '../services.ts'
import { resumeSession } from '../sessions/resume-session.ts'
import { ApiProblem, type FieldProblem } from './api-problem.ts'
import { describeWay, type ClientAddressOf, type OwnOriginOf } from './client-address.ts'
import { refuseCrossOrigin } from './refuse-cross-origin.ts'
import type { RequestClient } from './request-client.ts'
import { readSessionCookie } from './session-cookie.ts'

/**
 * Who a request acts as. The first place that holds a key decides, a wrong one there is final (GPT-Load's order); a request
 * without one acts as the session of its cookie. Keys in a query are for GPT-Load's own routes only: URLs end up in logs.
 */
export type Authenticated = { actor: Actor; client: RequestClient }

export type AuthenticateOptions = {
  services: Services
  clientAddressOf: ClientAddressOf
  ownOriginOf: OwnOriginOf
  /** Where to look for a key; '' = the request holds none. */
  tokenOf?: (request: IncomingMessage) => string
}

export function createAuthenticateAdmin(options: AuthenticateOptions) {
  const { services, clientAddressOf, ownOriginOf, tokenOf = presentedToken } = options
  return async (request: IncomingMessage, scope: EndpointScope): Promise<Authenticated> => {
    const address = clientAddressOf(request)
    const client: RequestClient = {
      address,
      session: null,
      isSecure: ownOriginOf(request).startsWith('https:'),
      ...describeWay(request, address),
    }
    if (scope === 'none') return { actor: anonymous, client }
    const token = tokenOf(request)
    const cookie = token === '' ? readSessionCookie(request) : ''
    if (cookie === '') return { actor: await verifyToken(services, token, address), client }
    const session = await resumeSession(services, cookie)
    if (session === null) throw unauthorized('The session is over. Sign in again.')
    refuseCrossOrigin(request, ownOriginOf(request))
    return { actor: session.actor, client: { ...client, session } }
  }
}

async function verifyToken(
  { throttles, adminKeys }: Pick<Services, 'throttles' | 'adminKeys'>,
  token: string,
  address: string,
): Promise<Actor> {
  const waitMs = throttles.byAddress.waitMs(address)
  if (waitMs > 0) throw tooManyFailures(waitMs)
  const actor = token === '' ? null : await adminKeys.verify(token)
  if (actor !== null) return actor
  if (token === '') throw unauthorized('Send the admin key as "Authorization: Bearer …".')
  throttles.byAddress.recordFailure(address)
  throw unauthorized('The key is wrong, was deleted, or has expired.')
}

export function unauthorized(detail: string, errors: readonly FieldProblem[] = []): ApiProblem {
  return new ApiProblem('unauthorized', detail, { errors, headers: { 'www-authenticate': 'Bearer realm="gpt-load"' } })
}

export function tooManyFailures(waitMs: number): ApiProblem {
  const seconds = Math.max(1, Math.ceil(waitMs / 1_000))
  return new ApiProblem('too_many_requests', `Too many wrong keys. Wait ${seconds} s.`, {
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
