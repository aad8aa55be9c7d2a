// How long a pool lasts. Pure: what edges have learnt of keys' quotas, what is burnt now, and when keys return, into a forecast.
// What is assumed, since providers tell only what is left: keys of which nothing is known have as much left as those that are
// known; a window that ends begins anew at once, as long as the class that it fell into (a minute, an hour, a day), with as much
// as the fullest key has had within two windows (its limit is at least that); a key that returns comes full; the burn stays as
// it is and is spread evenly. Where nothing is learnt, no limit is assumed.

export const quotaSpans = { minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const
export type QuotaSpan = keyof typeof quotaSpans

/** A window's end is known to a quarter of its span: what falls into one counts at its end. */
export const resetSlots = 4

/** Usable keys with a known quota of one kind, whose windows are of one class. */
export type QuotaWindow = {
  kind: 'requests' | 'tokens'
  span: QuotaSpan
  keys: number
  /** Sum over these keys. */
  left: number
  /** The most that one of the group's keys has had, within two windows. */
  most: number
  /** Keys whose window ends within each quarter of the span from now on. */
  resets: readonly number[]
}

export type CapacityInput = {
  nowMs: number
  usableKeys: number
  /** Keys that are out for a time, by when they return. */
  returns: readonly { atMs: number; keys: number }[]
  /** null = not known. */
  requestsPerMinute: number | null
  tokensPerMinute: number | null
  windows: readonly QuotaWindow[]
}

export type Capacity = {
  /** What could be burnt more per minute until the windows have ended once; null = nothing is learnt. */
  requestsHeadroom: number | null
  tokensHeadroom: number | null
  limitedBy: 'keys' | 'requests' | 'tokens' | null
  /** null = not within the windows that are known. */
  runsDryAtMs: number | null
  /** The first window that ends, or key that returns, after it ran dry; null = none is known. */
  reliefAtMs: number | null
  /** Keys, as full as one after its reset, that would carry the burn from then to the relief. */
  keysNeeded: number
}

type Dry = Pick<Capacity, 'runsDryAtMs' | 'reliefAtMs' | 'keysNeeded' | 'limitedBy'>
type Event = { atMs: number; keys: number; isReturn: boolean }

const minuteMs = 60_000
const neverDry: Dry = { runsDryAtMs: null, reliefAtMs: null, keysNeeded: 0, limitedBy: null }

export function forecastCapacity(input: CapacityInput): Capacity {
  const known = input.windows.filter(({ keys }) => keys > 0)
  const headroomOf = (kind: QuotaWindow['kind']) => {
    const ofKind = known.filter((window) => window.kind === kind)
    return ofKind.length === 0 ? null : Math.floor(Math.min(...ofKind.map((window) => headroom(input, window))))
  }
  const dry = input.usableKeys === 0 ? dryNow(input, known) : firstDry(known.map((window) => dryOf(input, window)))
  return { requestsHeadroom: headroomOf('requests'), tokensHeadroom: headroomOf('tokens'), ...dry }
}

/** Two windows that run dry at once: the later relief counts. */
function firstDry(found: readonly Dry[]): Dry {
  const order = ({ runsDryAtMs }: Dry) => runsDryAtMs ?? Infinity
  const first = found.toSorted((a, b) => order(a) - order(b) || (b.reliefAtMs ?? Infinity) - (a.reliefAtMs ?? Infinity))
  return first[0] ?? neverDry
}

function dryNow(input: CapacityInput, windows: readonly QuotaWindow[]): Dry {
  const { nowMs, returns } = input
  const reliefAtMs = returns.length === 0 ? null : Math.min(...returns.map(({ atMs }) => atMs))
  const needed = windows.map((window) => keysFor(burnOf(input, window), (reliefAtMs ?? nowMs) - nowMs, window))
  return { runsDryAtMs: nowMs, reliefAtMs, keysNeeded: Math.max(1, ...needed), limitedBy: 'keys' }
}

function burnOf(input: CapacityInput, { kind }: QuotaWindow): number {
  return (kind === 'requests' ? input.requestsPerMinute : input.tokensPerMinute) ?? 0
}

/** Steady state: every window full once a span. Before that, what is left has to do until the mean end of the windows. */
function headroom(input: CapacityInput, window: QuotaWindow): number {
  const { usableKeys } = input
  const spanMinutes = quotaSpans[window.span] / minuteMs
  const meanEndMinutes = sum(window.resets.map((keys, slot) => keys * endOf(window, slot))) / window.keys / minuteMs
  const steady = (usableKeys * window.most) / spanMinutes
  const now = (window.left * (usableKeys / window.keys)) / meanEndMinutes
  return Math.max(0, Math.min(steady, now) - burnOf(input, window))
}

function dryOf(input: CapacityInput, window: QuotaWindow): Dry {
  const burnPerMs = burnOf(input, window) / minuteMs
  if (burnPerMs === 0) return neverDry
  let usable = input.usableKeys
  let left = window.left * (usable / window.keys)
  let atMs = input.nowMs
  const events = eventsOf(input, window)
  for (const event of events) {
    const needed = burnPerMs * (event.atMs - atMs)
    if (left < needed) {
      const runsDryAtMs = Math.floor(atMs + left / burnPerMs)
      const reliefAtMs = event.atMs
      const keysNeeded = keysFor(burnPerMs * minuteMs, reliefAtMs - runsDryAtMs, window)
      return { runsDryAtMs, reliefAtMs, keysNeeded, limitedBy: window.kind }
    }
    left -= needed
    if (event.isReturn) usable += event.keys
    // A key gives up its share of what is left for a full window.
    left += event.keys * window.most - (event.isReturn ? 0 : event.keys * (left / usable))
    atMs = event.atMs
  }
  return neverDry
}

function keysFor(burnPerMinute: number, lackMs: number, { most }: QuotaWindow): number {
  return Math.max(1, Math.ceil((burnPerMinute * lackMs) / minuteMs / Math.max(1, most)))
}

/** Two spans: whatever does not run dry in the second never does, since each begins as full as the one before. */
function eventsOf({ nowMs, usableKeys, returns }: CapacityInput, window: QuotaWindow): Event[] {
  const span = quotaSpans[window.span]
  const scale = usableKeys / window.keys
  const resets = [0, span].flatMap((offset) =>
    window.resets.map((keys, slot) => ({
      atMs: nowMs + offset + endOf(window, slot),
      keys: keys * scale,
      isReturn: false,
    })),
  )
  const within = returns.filter(({ atMs }) => atMs > nowMs && atMs <= nowMs + 2 * span)
  const all = [...resets, ...within.map((back) => ({ ...back, isReturn: true }))]
  return all.filter(({ keys }) => keys > 0).toSorted((a, b) => a.atMs - b.atMs)
}

function endOf({ span }: QuotaWindow, slot: number): number {
  return (quotaSpans[span] * (slot + 1)) / resetSlots
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

/** The class that a window falls into by the time that it has left. */
export function spanOf(untilEndMs: number): QuotaSpan {
  if (untilEndMs <= quotaSpans.minute) return 'minute'
  return untilEndMs <= quotaSpans.hour ? 'hour' : 'day'
}

/** Later than a day counts as a day. */
export function resetSlotOf(span: QuotaSpan, untilEndMs: number): number {
  return Math.min(resetSlots - 1, Math.floor((untilEndMs * resetSlots) / quotaSpans[span]))
}

/**
 * What several edges have learnt of the same keys, as one: each edge knows the keys that it has used, most of them the same, so
 * what is left is the mean per known key, and as many keys are known as the best informed edge knows.
 */
export function combineWindows(ofEdges: readonly (readonly QuotaWindow[])[]): QuotaWindow[] {
  const byClass = Map.groupBy(ofEdges.flat(), ({ kind, span }) => `${kind} ${span}`)
  return [...byClass.values()].map((windows) => {
    const { kind, span } = windows[0] as QuotaWindow
    const keys = Math.max(...windows.map((window) => window.keys))
    const reported = sum(windows.map((window) => window.keys))
    const share = reported === 0 ? 0 : keys / reported
    return {
      kind,
      span,
      keys,
      left: sum(windows.map(({ left }) => left)) * share,
      most: Math.max(...windows.map(({ most }) => most)),
      resets: Array.from(
        { length: resetSlots },
        (_, slot) => sum(windows.map(({ resets }) => resets[slot] ?? 0)) * share,
      ),
    }
  })
}
