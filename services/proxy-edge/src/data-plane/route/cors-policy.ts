import type { CorsOptions } from '@gpt-load/service-kit/cors-variables'
import { findHeader } from '../headers/raw-headers.ts'

/** Browsers may ask again after this long. */
const preflightMaxAgeSeconds = '86400'

/** CORS for browsers. Off means that this object is not there at all; upstreams' own CORS headers give way to it. */
export class CorsPolicy {
  readonly #options: CorsOptions
  readonly #allowsAny: boolean

  constructor(options: CorsOptions) {
    this.#options = options
    this.#allowsAny = options.allowedOrigins.includes('*')
  }

  /** A real preflight (Fetch 4.8), not just any OPTIONS. */
  isPreflight(method: string, rawHeaders: readonly string[]): boolean {
    if (method !== 'OPTIONS' || findHeader(rawHeaders, 'origin') === '') return false
    return findHeader(rawHeaders, 'access-control-request-method') !== ''
  }

  preflightHeaders(rawHeaders: readonly string[]): string[] {
    const headers: string[] = []
    if (!this.#appendOrigin(headers, findHeader(rawHeaders, 'origin'))) return headers
    const { allowedMethods, allowedHeaders } = this.#options
    const asked = findHeader(rawHeaders, 'access-control-request-headers')
    const names = allowedHeaders.includes('*') && asked !== '' ? asked : allowedHeaders.join(', ')
    headers.push('Access-Control-Allow-Methods', allowedMethods.join(', '), 'Access-Control-Allow-Headers', names)
    headers.push('Access-Control-Max-Age', preflightMaxAgeSeconds)
    return headers
  }

  /** On every answer, errors included. Takes the place of what an upstream said. */
  decorate(headers: string[], rawRequestHeaders: readonly string[]): void {
    const origin = findHeader(rawRequestHeaders, 'origin')
    if (origin === '') return
    let kept = 0
    for (let index = 0; index < headers.length; index += 2) {
      if (headers[index]!.toLowerCase().startsWith('access-control-')) continue
      headers[kept] = headers[index]!
      headers[kept + 1] = headers[index + 1]!
      kept += 2
    }
    headers.length = kept
    if (this.#appendOrigin(headers, origin)) headers.push('Access-Control-Expose-Headers', '*')
  }

  #appendOrigin(headers: string[], origin: string): boolean {
    const { allowedOrigins, allowCredentials } = this.#options
    if (!this.#allowsAny) headers.push('Vary', 'Origin')
    if (!this.#allowsAny && !allowedOrigins.includes(origin)) return false
    headers.push('Access-Control-Allow-Origin', this.#allowsAny ? '*' : origin)
    if (allowCredentials && !this.#allowsAny) headers.push('Access-Control-Allow-Credentials', 'true')
    return true
  }
}
