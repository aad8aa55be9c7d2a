/**
 * Requests and tokens of the last minute, per row of some columns in shared memory. The minute slides: what the former clock
 * minute had counts by the part of it that the last sixty seconds still cover, so two counts stand for any number of requests.
 */
export type MinuteColumns = {
  /** Clock minute of the counts, since the epoch. */
  readonly minute: Int32Array
  readonly minuteRequests: Int32Array
  readonly minuteTokens: Int32Array
  readonly requestsBefore: Int32Array
  readonly tokensBefore: Int32Array
}

const minuteMs = 60_000

/** Before anything is added. Whoever changes the minute moves the counts; a count that comes in between may fall into either. */
export function turnMinute(columns: MinuteColumns, row: number, nowMs: number): void {
  const known = Atomics.load(columns.minute, row)
  const minute = minuteOf(known, nowMs)
  if (known === minute || Atomics.compareExchange(columns.minute, row, known, minute) !== known) return
  const requests = Atomics.exchange(columns.minuteRequests, row, 0)
  const tokens = Atomics.exchange(columns.minuteTokens, row, 0)
  const isNext = minute === known + 1
  columns.requestsBefore[row] = isNext ? requests : 0
  columns.tokensBefore[row] = isNext ? tokens : 0
}

/** When one more request fits below `most`, epoch ms; 0 = now. */
export function requestRoomAt(columns: MinuteColumns, row: number, most: number, nowMs: number): number {
  return roomAt(columns.minute, columns.minuteRequests, columns.requestsBefore, row, most, nowMs)
}

/** When fewer than `most` tokens count, epoch ms; 0 = now. */
export function tokenRoomAt(columns: MinuteColumns, row: number, most: number, nowMs: number): number {
  return roomAt(columns.minute, columns.minuteTokens, columns.tokensBefore, row, most, nowMs)
}

function roomAt(
  minutes: Int32Array,
  counts: Int32Array,
  countsBefore: Int32Array,
  row: number,
  most: number,
  nowMs: number,
): number {
  const known = minutes[row] as number
  const minute = minuteOf(known, nowMs)
  const age = minute - known
  const current = age === 0 ? (counts[row] as number) : 0
  const before = age === 0 ? (countsBefore[row] as number) : age === 1 ? (counts[row] as number) : 0
  const passedMs = Math.max(0, nowMs - minute * minuteMs)
  if (current + before * (1 - passedMs / minuteMs) <= most - 1) return 0
  // In this minute it shrinks as the former one slides out; else the next minute begins with this one's count.
  if (current <= most - 1) return minute * minuteMs + minuteMs * (1 - (most - 1 - current) / before)
  return (minute + 1) * minuteMs + minuteMs * (1 - (most - 1) / current)
}

/**
 * The clock minute; the row's own where that is the next one already. A worker that has read the clock before a minute turned, and
 * is late with it, would else turn it back and take the counts with it. A clock that was set back by more begins anew.
 */
function minuteOf(known: number, nowMs: number): number {
  const minute = Math.floor(nowMs / minuteMs)
  return known === minute + 1 ? known : minute
}

/** The row is another's from now on. Reads first, so that memory that was never used stays so. */
export function forgetMinute(columns: MinuteColumns, row: number): void {
  if (columns.minute[row] === 0) return
  columns.minute[row] = 0
  columns.minuteRequests[row] = 0
  columns.minuteTokens[row] = 0
}
