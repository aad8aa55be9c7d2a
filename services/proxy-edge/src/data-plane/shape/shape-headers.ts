import { removeKeyFromProtocols } from '@gpt-load/channels/proxy-credentials'
import { connectionNames, namesClient, requestHeaderRole, stops } from '../headers/header-roles.ts'
import { isHeaderName } from '@gpt-load/channels/header-value'

/**
 * The caller's end-to-end headers in order and case, behind the upstream's Host. Left out: credentials, hop-by-hop headers,
 * everything that Connection names (RFC 9110 7.6.1), framing, and what names the caller unless the group passes it on.
 */
export function passRequestHeaders(
  raw: readonly string[],
  options: { host: string; passesClientHeaders: boolean; dropsEncoding: boolean },
): string[] {
  const named = connectionNames(raw)
  const headers = ['Host', options.host]
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index]!
    const role = requestHeaderRole(name)
    if (role === stops || (role === namesClient && !options.passesClientHeaders)) continue
    if (named !== null && named.includes(name.toLowerCase())) continue
    if (options.dropsEncoding && isHeaderName(name, 'content-encoding')) continue
    pushHeader(headers, name, raw[index + 1]!)
  }
  return headers
}

function pushHeader(headers: string[], name: string, value: string): void {
  if (!isHeaderName(name, 'sec-websocket-protocol')) return void headers.push(name, value)
  const offered = removeKeyFromProtocols(value)
  if (offered !== '') headers.push(name, offered)
}
