/**
 * The next midnight in Los Angeles, when Gemini's daily quotas reset (Gemini API, Rate limits), daylight saving time
 * included: its offset from UTC is seven or eight hours, and midnight itself is never skipped or repeated.
 */
export function nextPacificMidnight(nowMs: number): number {
  const clock = new Intl.DateTimeFormat('en-US', {
    timeZone: 'America/Los_Angeles',
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
  })
  const [month, day, year] = readClock(clock, nowMs)
  const inUtc = Date.UTC(year, month - 1, day + 1)
  const early = inUtc + 7 * 3_600_000
  return readClock(clock, early)[3] === 0 ? early : early + 3_600_000
}

function readClock(clock: Intl.DateTimeFormat, atMs: number): [month: number, day: number, year: number, hour: number] {
  const parts = clock.formatToParts(atMs)
  const read = (type: string): number => Number(parts.find((part) => part.type === type)?.value)
  return [read('month'), read('day'), read('year'), read('hour')]
}
