import { hopHeader } from '@gpt-load/contracts/proxy-errors'
import { findHeader } from '../headers/raw-headers.ts'

/** How often this request has passed through a proxy of ours. Nesting is allowed, circles are not; nonsense counts as none. */
export function countHops(rawHeaders: readonly string[]): number {
  const value = findHeader(rawHeaders, hopHeader)
  return value !== '' && /^\d{1,4}$/.test(value) ? Number(value) : 0
}
