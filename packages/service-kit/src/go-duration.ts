// Durations as Go writes them ("1h2m3s", "250ms"), since GPT-Load's status answers and its users' habits have that form.

import { accepted, refused, type ParseResult } from './parse-result.ts'

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

export type DurationUnit = keyof typeof UNIT_MS

const WHOLE = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$/
const PART = /(\d+(?:\.\d+)?)(ms|s|m|h|d)/g
const BARE = /^\d+(?:\.\d+)?$/

/** Reads "90", "90s", "1m30s" or "1.5m" into milliseconds; a bare number counts in `bareUnit`. */
export function parseDuration(text: string, bareUnit: DurationUnit): ParseResult<number> {
  const trimmed = text.trim()
  if (BARE.test(trimmed)) return accepted(Math.round(Number(trimmed) * UNIT_MS[bareUnit]))
  if (!WHOLE.test(trimmed))
    return refused('is not a duration', `write it like 250ms, 30s, 1m30s (a bare number counts in ${bareUnit})`)
  let totalMs = 0
  for (const [, amount, unit] of trimmed.matchAll(PART)) totalMs += Number(amount) * UNIT_MS[unit as DurationUnit]
  return accepted(Math.round(totalMs))
}

/** Milliseconds as Go's time.Duration prints whole seconds: "0s", "59s", "1m0s", "26h0m3s". */
export function formatGoDuration(durationMs: number): string {
  const seconds = Math.max(0, Math.floor(durationMs / UNIT_MS.s))
  const hours = Math.floor(seconds / 3_600)
  const minutes = Math.floor((seconds % 3_600) / 60)
  const rest = `${seconds % 60}s`
  if (hours > 0) return `${hours}h${minutes}m${rest}`
  return minutes > 0 ? `${minutes}m${rest}` : rest
}
