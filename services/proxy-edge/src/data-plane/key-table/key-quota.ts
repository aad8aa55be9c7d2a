// What providers say a key has left in its current window, learnt from the headers of any answer (channels,
// rate-limit-headroom). A preference: a key without headroom is chosen when no other is found, and the provider has the last
// word. One entry per key, of the model that it was learnt with: providers count by model, so it speaks of no other.
// An answer of another model replaces it only when it is not tighter itself. What is known ends with the window.

import type { Headroom } from '@gpt-load/channels/rate-limit-headroom'
import { meanTokens } from './key-load.ts'
import type { TextHash } from './hash-text.ts'
import type { SharedColumns } from './shared-columns.ts'

/** Of `hashText`; 0 stands for nothing known. */
export function quotaModelOf(hash: TextHash): number {
  return hash.low === 0 ? 1 : hash.low
}

export function learnQuota(columns: SharedColumns, slot: number, model: number, room: Headroom, nowMs: number): void {
  const known = columns.quotaModel[slot] as number
  const isKnown = known === model
  if (known !== 0 && !isKnown && isSpent(columns, slot, known, 0, nowMs)) return
  if (room.requestsLeft === -1 && room.tokensLeft === -1) return isKnown ? forgetQuota(columns, slot) : undefined
  // Others that are under way may not have been counted yet when this answer was made.
  const others = Math.max(0, Atomics.load(columns.inFlight, slot) - 1)
  columns.quotaModel[slot] = model
  columns.requestsLeft[slot] = room.requestsLeft - others
  columns.requestsResetAt[slot] = room.requestsResetMs
  columns.tokensLeft[slot] = room.tokensLeft
  columns.tokensResetAt[slot] = room.tokensResetMs
}

/** One more request goes out: what is left is less until the next answer says so. */
export function useQuota(columns: SharedColumns, groupNumber: number, slot: number, model: number): void {
  if (columns.quotaModel[slot] !== model) return
  if (columns.requestsResetAt[slot] !== 0) Atomics.sub(columns.requestsLeft, slot, 1)
  if (columns.tokensResetAt[slot] !== 0) Atomics.sub(columns.tokensLeft, slot, meanTokens(columns, groupNumber))
}

/** @param tokens that a request of the group takes, as far as that is known */
export function isSpent(columns: SharedColumns, slot: number, model: number, tokens: number, nowMs: number): boolean {
  if (columns.quotaModel[slot] !== model) return false
  const hasRequests = !((columns.requestsResetAt[slot] as number) > nowMs) || (columns.requestsLeft[slot] as number) > 0
  if (!hasRequests) return true
  return (columns.tokensResetAt[slot] as number) > nowMs && (columns.tokensLeft[slot] as number) <= tokens
}

export function forgetQuota(columns: SharedColumns, slot: number): void {
  if (columns.quotaModel[slot] !== 0) columns.quotaModel[slot] = 0
}
