import type { IncomingMessage } from 'node:http'
import { presentedToken } from '../http/authenticate-admin.ts'

/**
 * Where GPT-Load looks for the admin key: `?key=` first, then the headers. A key in a URL ends up in logs of proxies and in
 * histories of browsers, so its answers carry Deprecation (RFC 9745); we never log a query.
 */
export const deprecatedSince = '@1767225600'

export function queryKey({ url = '' }: Pick<IncomingMessage, 'url'>): string {
  const start = url.indexOf('?')
  return start < 0 ? '' : (new URLSearchParams(url.slice(start + 1)).get('key') ?? '')
}

export function tokenOfAnyPlace(request: IncomingMessage): string {
  return queryKey(request) || presentedToken(request)
}
