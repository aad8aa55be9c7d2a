/**
 * GPT-Load's `failover_status_codes` (gpt-load/proxy.md 8): tokens `N` or `A-B`, separated by commas or newlines, blanks
 * allowed, empty tokens ignored, 100 <= A <= B <= 999. The default text means *automatic*: decide by error class.
 */
export const automaticFailoverCodes = '400-403,405-999'

export type FailoverCodes = 'automatic' | readonly (readonly [from: number, to: number])[]

export type FailoverCodesResult = { ok: true; codes: FailoverCodes } | { ok: false; error: string }

export function parseFailoverCodes(text: string): FailoverCodesResult {
  const normalised = text.replaceAll(/\s/g, '')
  if (normalised === automaticFailoverCodes || normalised === 'automatic') return { ok: true, codes: 'automatic' }
  const ranges: [number, number][] = []
  for (const token of text.split(/[,\n]/).map((part) => part.trim())) {
    if (token === '') continue
    const range = parseRange(token)
    if (range === null) return { ok: false, error: `"${token}" is not a status code or a range: use 429 or 500-599` }
    ranges.push(range)
  }
  return { ok: true, codes: mergeRanges(ranges) }
}

function parseRange(token: string): [number, number] | null {
  const match = /^(\d{3})(?:\s*-\s*(\d{3}))?$/.exec(token)
  if (match === null) return null
  const from = Number(match[1])
  const to = match[2] === undefined ? from : Number(match[2])
  return from >= 100 && from <= to ? [from, to] : null
}

function mergeRanges(ranges: [number, number][]): [number, number][] {
  const merged: [number, number][] = []
  for (const [from, to] of ranges.sort((a, b) => a[0] - b[0])) {
    const last = merged.at(-1)
    if (last !== undefined && from <= last[1] + 1) last[1] = Math.max(last[1], to)
    else merged.push([from, to])
  }
  return merged
}
