import type { IncomingMessage } from 'node:http'
import { ApiProblem } from './api-problem.ts'

/**
 * Browsers send the cookie along with what other sites make them send. Sec-Fetch-Site cannot be set by a page, but comes only
 * over https and from localhost; Origin comes with every unsafe method, and is compared with our own.
 */
const safeMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])

export function refuseCrossOrigin({ method = 'GET', headers }: IncomingMessage, ownOrigin: string): void {
  if (safeMethods.has(method)) return
  const site = headers['sec-fetch-site']
  const isSameOrigin = site === undefined ? headers.origin?.toLowerCase() === ownOrigin : site === 'same-origin'
  if (isSameOrigin) return
  throw new ApiProblem(
    'cross_origin',
    'Changes by a session must come from our own pages: Sec-Fetch-Site: same-origin, or our address as Origin. Behind a reverse proxy, name it in TRUSTED_PROXIES.',
  )
}
