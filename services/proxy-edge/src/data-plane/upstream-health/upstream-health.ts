/**
 * Health of upstreams as this edge sees it, in memory that all of its workers share: learnt from live traffic, never from
 * what a key was refused for. A circuit per upstream:
 *
 *   closed -> open (consecutive failures, or too many within a window) -> half open (one trial at a time) -> closed
 *
 * It orders, it never refuses: whoever chooses takes an open one when there is no other. Counters may lose a step when two
 * workers write at once; the state itself changes by compare-and-set.
 *
 * A storm of limits opens it too: one key is limited for its own sake, many different keys at once are limited for the
 * upstream's. What is counted are distinct keys, as bits of a 64-bit set (so a few that collide count as one).
 */
export type Circuit = {
  /** Consecutive failures that open it; 0 = never. */
  readonly failureThreshold: number
  /** Of the answers within a window; 0 = never. */
  readonly errorRatePercent: number
  /** The first time; doubled each time that the trial fails. */
  readonly openMs: number
  /** Distinct keys limited within `limitWindowMs`; 0 = never. */
  readonly stormKeys: number
}

export const limitWindowMs = 1_000
/** Fewer keys that are limited together are nothing unusual. */
export const minStormKeys = 4
/** Of the upstream's answers in the window: in a busy pool some key is limited at any time. */
const stormSharePercent = 50

/** Upstreams of an edge beyond this are not watched: they count as healthy. */
export const maxWatchedUpstreams = 8_192
/** An error rate is one of at least so many answers… */
const minWindowAnswers = 20
/** …that began with a failure not longer ago than this. */
const windowMs = 10_000
const maxOpenMs = 300_000
/** A trial whose outcome nobody tells (its client left) is followed by another after this. */
const trialMs = 15_000
/** So long after it closed, an upstream is as good as new: the next opening is short again. */
const forgivenMs = 300_000
/** Deadlines are monotonic time in these steps: 32 bits last for six years. */
const tickMs = 100

const [consecutive, openUntil, openings, openedAt, windowStart, answers, failures, totalOpenings] = [
  0, 1, 2, 3, 4, 5, 6, 7,
]
const [limitStart, lowKeys, highKeys, limits, answersBefore, throttled, nextCheck] = [8, 9, 10, 11, 12, 13, 14]
const columns = 15
export const upstreamHealthBytes = maxWatchedUpstreams * columns * Int32Array.BYTES_PER_ELEMENT

export type UpstreamState = {
  state: 'closed' | 'open' | 'half_open'
  /** From now until the next trial; 0 when it is closed or due. */
  retryInMs: number
  consecutiveFailures: number
  openings: number
  /** It is open for a storm of limits. */
  isThrottled: boolean
}

export class UpstreamHealth {
  readonly #cells: Int32Array
  readonly #nowMs: () => number

  constructor(memory: SharedArrayBuffer, nowMs: () => number = processMonotonicMs) {
    this.#cells = new Int32Array(memory)
    this.#nowMs = nowMs
  }

  /** The common case, in one read: nothing is known against it. `slot` -1 is not watched. */
  isClosed(slot: number): boolean {
    return slot === -1 || Atomics.load(this.#cells, slot * columns + openUntil) === 0
  }

  /** True once per trial period of an open circuit whose time is over: the caller's request is the trial. */
  claimTrial(slot: number): boolean {
    const cell = slot * columns + openUntil
    const until = Atomics.load(this.#cells, cell)
    const now = this.#now()
    if (until === 0 || until > now) return false
    return Atomics.compareExchange(this.#cells, cell, until, now + trialMs / tickMs) === until
  }

  /** The next request may be the trial: nothing was sent after all, or a check says that it is there. Of several at once the last counts. */
  giveBackTrial(slot: number): void {
    const cell = slot * columns + openUntil
    const until = Atomics.load(this.#cells, cell)
    if (until !== 0) Atomics.compareExchange(this.#cells, cell, until, Math.min(until, this.#now()))
  }

  /** True once per interval, for one of all workers: the caller checks it now. */
  claimCheck(slot: number, intervalMs: number): boolean {
    if (slot === -1) return false
    const cell = slot * columns + nextCheck
    const due = Atomics.load(this.#cells, cell)
    const now = this.#now()
    const next = now + Math.ceil(intervalMs / tickMs)
    // Later than the next one: the interval was longer then.
    if (due > now && due <= next) return false
    return Atomics.compareExchange(this.#cells, cell, due, next) === due
  }

  /** It answered, whatever it said about key or request. Answers to what was sent before it opened close nothing. */
  answered(slot: number, isTrial: boolean): void {
    if (slot === -1) return
    const cells = this.#cells
    const base = slot * columns
    Atomics.add(cells, base + answers, 1)
    if (cells[base + consecutive] !== 0) Atomics.store(cells, base + consecutive, 0)
    if (!isTrial || Atomics.load(cells, base + openUntil) === 0) return
    this.#restartWindow(base, 0)
    Atomics.store(cells, base + throttled, 0)
    Atomics.store(cells, base + openUntil, 0)
  }

  /** It limits everybody: what it says of a key is not about the key. */
  isThrottled(slot: number): boolean {
    return slot !== -1 && Atomics.load(this.#cells, slot * columns + throttled) === 1
  }

  /** It has limited this key. True: so many of them within the window that it is the upstream, which is open from now on. */
  limited(slot: number, keyId: number, circuit: Circuit): boolean {
    const base = slot * columns
    this.#noteLimit(base, keyId)
    if (this.isThrottled(slot)) return true
    if (!this.#isStorm(base, circuit.stormKeys)) return false
    Atomics.store(this.#cells, base + throttled, 1)
    this.#open(base, circuit)
    return true
  }

  failed(slot: number, isTrial: boolean, circuit: Circuit): void {
    if (slot === -1) return
    const cells = this.#cells
    const base = slot * columns
    const inARow = Atomics.add(cells, base + consecutive, 1) + 1
    this.#countFailure(base)
    const isOverThreshold = circuit.failureThreshold > 0 && inARow >= circuit.failureThreshold
    if (isTrial || isOverThreshold || this.#isOverRate(base, circuit)) this.#open(base, circuit)
  }

  /** For another upstream. */
  reset(slot: number): void {
    const base = slot * columns
    for (let column = 0; column < columns; column += 1) Atomics.store(this.#cells, base + column, 0)
  }

  stateOf(slot: number): UpstreamState {
    const cells = this.#cells
    const base = slot * columns
    const until = Atomics.load(cells, base + openUntil)
    const leftTicks = until - this.#now()
    return {
      state: until === 0 ? 'closed' : leftTicks > 0 ? 'open' : 'half_open',
      retryInMs: until === 0 ? 0 : Math.max(0, leftTicks * tickMs),
      consecutiveFailures: Atomics.load(cells, base + consecutive),
      openings: Atomics.load(cells, base + totalOpenings),
      isThrottled: this.isThrottled(slot),
    }
  }

  #noteLimit(base: number, keyId: number): void {
    const cells = this.#cells
    const now = this.#now()
    if (now - Atomics.load(cells, base + limitStart) >= limitWindowMs / tickMs) {
      Atomics.store(cells, base + limitStart, now)
      Atomics.store(cells, base + lowKeys, 0)
      Atomics.store(cells, base + highKeys, 0)
      Atomics.store(cells, base + limits, 0)
      Atomics.store(cells, base + answersBefore, Atomics.load(cells, base + answers))
    }
    const bit = (Math.imul(keyId | 0, 0x9e3779b1) >>> 26) & 63
    Atomics.or(cells, base + (bit < 32 ? lowKeys : highKeys), 1 << (bit & 31))
    Atomics.add(cells, base + limits, 1)
  }

  #isStorm(base: number, wanted: number): boolean {
    const cells = this.#cells
    const keys = bitCount(Atomics.load(cells, base + lowKeys)) + bitCount(Atomics.load(cells, base + highKeys))
    if (keys < wanted) return false
    // Less than nothing when a window of failures began meanwhile: then it is not doing well in any case.
    const others = Atomics.load(cells, base + answers) - Atomics.load(cells, base + answersBefore)
    return Atomics.load(cells, base + limits) * 100 >= stormSharePercent * others
  }

  /** A window begins with a failure, so that answers need no clock. */
  #countFailure(base: number): void {
    const cells = this.#cells
    if (this.#now() - Atomics.load(cells, base + windowStart) > windowMs / tickMs) return this.#restartWindow(base, 1)
    Atomics.add(cells, base + answers, 1)
    Atomics.add(cells, base + failures, 1)
  }

  #restartWindow(base: number, count: number): void {
    Atomics.store(this.#cells, base + windowStart, this.#now())
    Atomics.store(this.#cells, base + answers, count)
    Atomics.store(this.#cells, base + failures, count)
  }

  #isOverRate(base: number, { errorRatePercent }: Circuit): boolean {
    const total = Atomics.load(this.#cells, base + answers)
    if (errorRatePercent === 0 || total < minWindowAnswers) return false
    return Atomics.load(this.#cells, base + failures) * 100 >= errorRatePercent * total
  }

  /** What fails while it is open already (sent before, or for want of another) does not lengthen it; a failed trial does. */
  #open(base: number, { openMs }: Circuit): void {
    const cells = this.#cells
    const now = this.#now()
    const until = Atomics.load(cells, base + openUntil)
    const opened = Atomics.load(cells, base + openedAt)
    if (until !== 0 && opened + this.#lastOpenTicks(base, openMs) > now) return
    const isForgiven = until === 0 && now - opened > forgivenMs / tickMs
    const earlier = isForgiven ? 0 : Atomics.load(cells, base + openings)
    const lasting = openTicks(openMs, earlier)
    if (Atomics.compareExchange(cells, base + openUntil, until, now + lasting) !== until) return
    Atomics.store(cells, base + openedAt, now)
    Atomics.store(cells, base + openings, earlier + 1)
    Atomics.add(cells, base + totalOpenings, 1)
  }

  #lastOpenTicks(base: number, openMs: number): number {
    return openTicks(openMs, Math.max(0, Atomics.load(this.#cells, base + openings) - 1))
  }

  #now(): number {
    return Math.floor(this.#nowMs() / tickMs)
  }
}

function openTicks(openMs: number, earlier: number): number {
  return Math.max(1, Math.ceil(Math.min(openMs * 2 ** Math.min(earlier, 16), maxOpenMs) / tickMs))
}

function bitCount(word: number): number {
  let count = 0
  for (let rest = word; rest !== 0; rest &= rest - 1) count += 1
  return count
}

/** The same in all threads of a process. */
function processMonotonicMs(): number {
  return Number(process.hrtime.bigint() / 1_000_000n)
}
