// What each key carries on this edge, over all workers: requests under way, and requests and tokens of the last minute. Kept
// for groups whose rules need it. `least_in_flight` chooses by it, caps are kept by it.
// The minute slides: what the former clock minute had counts by the part of it that the last sixty seconds still cover.
// Not exact in one case: when a worker dies all counts of requests under way begin anew, since nobody knows which were its
// own; what the others then give back does not go below zero.

import type { KeyCaps } from './pick-rules.ts'
import { control, header, headerWords, type SharedColumns } from './shared-columns.ts'

const minuteMs = 60_000
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
  const { minuteRequests, requestsBefore, minuteTokens, tokensBefore } = columns
  const byRequests = windowRoomAt(columns, slot, minuteRequests, requestsBefore, caps.requestsPerMinute, edges, nowMs)
  const byTokens = windowRoomAt(columns, slot, minuteTokens, tokensBefore, caps.tokensPerMinute, edges, nowMs)
  return Math.max(byRequests, byTokens)
}

function windowRoomAt(
  columns: SharedColumns,
  slot: number,
  counts: Int32Array,
  countsBefore: Int32Array,
  cap: number,
  edges: number,
  nowMs: number,
): number {
  if (cap === 0) return 0
  const share = shareOf(cap, edges)
  const minute = Math.floor(nowMs / minuteMs)
  const age = minute - (columns.minute[slot] as number)
  const current = age === 0 ? (counts[slot] as number) : 0
  const before = age === 0 ? (countsBefore[slot] as number) : age === 1 ? (counts[slot] as number) : 0
  const passedMs = nowMs - minute * minuteMs
  if (current + before * (1 - passedMs / minuteMs) <= share - 1) return 0
  // In this minute it shrinks as the former one slides out; else the next minute begins with this one's count.
  if (current <= share - 1) return minute * minuteMs + minuteMs * (1 - (share - 1 - current) / before)
  return (minute + 1) * minuteMs + minuteMs * (1 - (share - 1) / current)
}

function shareOf(cap: number, edges: number): number {
  return Math.max(1, Math.floor(cap / edges))
}

/** Whoever changes the minute moves the counts; a count that comes in between may fall into either. */
function turnMinute(columns: SharedColumns, slot: number, nowMs: number): void {
  const minute = Math.floor(nowMs / minuteMs)
  const known = Atomics.load(columns.minute, slot)
  if (known === minute || Atomics.compareExchange(columns.minute, slot, known, minute) !== known) return
  const requests = Atomics.exchange(columns.minuteRequests, slot, 0)
  const tokens = Atomics.exchange(columns.minuteTokens, slot, 0)
  const isNext = minute === known + 1
  columns.requestsBefore[slot] = isNext ? requests : 0
  columns.tokensBefore[slot] = isNext ? tokens : 0
}

/** The slot belongs to another key from now on. Reads first, so that memory that was never used stays so. */
export function forgetLoad(columns: SharedColumns, slot: number): void {
  if (columns.inFlight[slot] !== 0) Atomics.store(columns.inFlight, slot, 0)
  if (columns.minute[slot] !== 0) {
    columns.minute[slot] = 0
    columns.minuteRequests[slot] = 0
    columns.minuteTokens[slot] = 0
  }
}

/** A worker has died. Main thread. */
export function forgetInFlight(columns: SharedColumns, slots: number): void {
  for (let slot = 0; slot < slots; slot += 1) if (columns.inFlight[slot] !== 0) Atomics.store(columns.inFlight, slot, 0)
}
