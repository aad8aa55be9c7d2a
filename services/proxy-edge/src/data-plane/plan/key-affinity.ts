import type { RequestScanner } from '@gpt-load/channels/request-scanner'
import type { Settings } from '@gpt-load/contracts/settings'
import type { RequestBody } from '../body/request-body.ts'
import { findHeader } from '../headers/raw-headers.ts'

/** By what requests of a group belong together, for prompt caches of providers: each key has its own. */
export type KeyAffinity = {
  /** Lower case; '' = none. */
  readonly header: string
  /** 0 = the prompt does not count. */
  readonly prefixBytes: number
  /** Requests under way past which a key takes no more for their session alone. */
  readonly maxRequests: number
}

export function compileKeyAffinity(settings: Settings): KeyAffinity | null {
  const { key_affinity, key_affinity_header, key_affinity_prefix_bytes, key_affinity_max_requests } = settings
  if (key_affinity === 'off') return null
  return {
    header: key_affinity_header.toLowerCase(),
    prefixBytes: key_affinity === 'prompt' ? key_affinity_prefix_bytes : 0,
    maxRequests: key_affinity_max_requests,
  }
}

/** What names the session, each kind apart from the others; '' = nothing does. */
export function sessionOf(
  { header, prefixBytes }: KeyAffinity,
  rawHeaders: readonly string[],
  scanner: RequestScanner,
  body: RequestBody,
): string {
  const named = header === '' ? '' : findHeader(rawHeaders, header)
  if (named !== '') return `h:${named}`
  if (scanner.sessionId !== '') return `s:${scanner.sessionId}`
  if (prefixBytes === 0 || scanner.promptStart === -1) return ''
  return `p:${body.text(scanner.promptStart, prefixBytes)}`
}
