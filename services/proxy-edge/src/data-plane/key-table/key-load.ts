// What each key carries on this edge, over all workers: requests under way, and requests and tokens of the last minute. Kept
// for groups whose rules need it. `least_in_flight` chooses by it, caps are kept by it.
// Not exact in one case: when a worker dies all counts of requests under way begin anew, since nobody knows which were its
// own; what the others then give back does not go below zero.

import { forgetMinute, requestRoomAt, tokenRoomAt, turnMinute } from '../sliding-minute.ts'
import type { KeyCaps } from './pick-rules.ts'
import { control, header, headerWords, type SharedColumns } from './shared-columns.ts'

/** Weight of one request in the group's running mean of tokens. */
const meanShare = 1 / 16

export function enterKey(columns: SharedColumns, groupNumber: number, slot: number): void {
  Atomics.add(columns.inFlight, slot, 1)
  Atomics.add(columns.headers, groupNumber * headerWords + header.requestsBurnt, 1)
}

/** For groups with caps. */
export function countRequest(columns: SharedColumns, slot: number, nowMs: number): void {
  turnMinute(columns, slot, nowMs)
  Atomics.add(columns.minuteRequests, slot, 1)
}

/** Nothing when the slot was given to another key meanwhile. */
export function leaveKey(columns: SharedColumns, slot: number, keyId: number): void {
  if (columns.keyId[slot] !== keyId) return
  if (Atomics.sub(columns.inFlight, slot, 1) <= 0) Atomics.add(columns.inFlight, slot, 1)
}

/** Tokens are known when the request has ended. */
export function spendTokens(
  columns: SharedColumns,
  groupNumber: number,
  slot: number,
  tokens: number,
  nowMs: number,
): void {
  turnMinute(columns, slot, nowMs)
  Atomics.add(columns.minuteTokens, slot, tokens)
  Atomics.add(columns.headers, groupNumber * headerWords + header.tokensBurnt, tokens)
  const word = groupNumber * headerWords + header.meanTokens
  const mean = columns.headers[word] as number
  columns.headers[word] = mean === 0 ? tokens : Math.round(mean + (tokens - mean) * meanShare)
}

/** Running mean of tokens per request of the group; 0 = nothing known yet. */
export function meanTokens(columns: SharedColumns, groupNumber: number): number {
  return columns.headers[groupNumber * headerWords + header.meanTokens] as number
}

/** When the key has room for one more request, epoch ms; 0 = now. A cap's share is this edge's part of it, one at least. */
export function roomAt(columns: SharedColumns, slot: number, caps: KeyCaps, nowMs: number): number {
  const edges = Math.max(1, columns.control[control.liveEdges] as number)
  // A request ends when it ends: a second is as good as any guess.
  if (caps.concurrent !== 0 && Atomics.load(columns.inFlight, slot) >= shareOf(caps.concurrent, edges))
    return nowMs + 1_000
  const { requestsPerMinute, tokensPerMinute } = caps
  const byRequests =
    requestsPerMinute === 0 ? 0 : requestRoomAt(columns, slot, shareOf(requestsPerMinute, edges), nowMs)
  const byTokens = tokensPerMinute === 0 ? 0 : tokenRoomAt(columns, slot, shareOf(tokensPerMinute, edges), nowMs)
  return Math.max(byRequests, byTokens)
}

function shareOf(cap: number, edges: number): number {
  return Math.max(1, Math.floor(cap / edges))
}

/** The slot belongs to another key from now on. Reads first, so that memory that was never used stays so. */
export function forgetLoad(columns: SharedColumns, slot: number): void {
  if (columns.inFlight[slot] !== 0) Atomics.store(columns.inFlight, slot, 0)
  forgetMinute(columns, slot)
}

/** A worker has died. Main thread. */
export function forgetInFlight(columns: SharedColumns, slots: number): void {
  for (let slot = 0; slot < slots; slot += 1) if (columns.inFlight[slot] !== 0) Atomics.store(columns.inFlight, slot, 0)
}
