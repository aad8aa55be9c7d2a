import { maskOf } from '../answer/mask-secret.ts'
import { connectionNames, passes, responseHeaderRole } from './header-roles.ts'

/**
 * Headers of an upstream's answer as the client gets them: all end-to-end ones in order, case and number; hop-by-hop ones and
 * what Connection names are dropped (RFC 9110 7.6.1). A value that holds the provider key that was used is masked.
 */
export function passResponseHeaders(raw: readonly string[], secret: string): string[] {
  const named = connectionNames(raw)
  const headers: string[] = []
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index]!
    if (responseHeaderRole(name) !== passes) continue
    if (named !== null && named.includes(name.toLowerCase())) continue
    const value = raw[index + 1]!
    headers.push(name, holdsSecret(value, secret) ? value.replaceAll(secret, maskOf(secret)) : value)
  }
  return headers
}

function holdsSecret(value: string, secret: string): boolean {
  return secret !== '' && value.length >= secret.length && value.includes(secret)
}
