import { languageTags, type Locale } from './messages.ts'

/** Numbers and times as the language writes them; all times of the API are UTC, shown in the browser's zone with UTC at hand. */
export function createFormat(locale: Locale) {
  const tag = languageTags[locale]
  const integer = new Intl.NumberFormat(tag)
  const percent = new Intl.NumberFormat(tag, { style: 'percent', maximumFractionDigits: 1 })
  const compact = new Intl.NumberFormat(tag, { notation: 'compact', maximumFractionDigits: 1 })
  const dollars = new Intl.NumberFormat(tag, { style: 'currency', currency: 'USD' })
  const cents = new Intl.NumberFormat(tag, { style: 'currency', currency: 'USD', maximumSignificantDigits: 2 })
  const prices = new Intl.NumberFormat(tag, {
    style: 'currency',
    currency: 'USD',
    currencyDisplay: 'narrowSymbol',
    maximumFractionDigits: 6,
  })
  const dateTime = new Intl.DateTimeFormat(tag, { dateStyle: 'medium', timeStyle: 'medium', hourCycle: 'h23' })
  const shortTime = new Intl.DateTimeFormat(tag, {
    month: 'short',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
  })
  const shortDate = new Intl.DateTimeFormat(tag, { month: 'short', day: 'numeric' })
  const clock = new Intl.DateTimeFormat(tag, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
  const utc = new Intl.DateTimeFormat(tag, {
    dateStyle: 'medium',
    timeStyle: 'medium',
    hourCycle: 'h23',
    timeZone: 'UTC',
  })
  const relative = new Intl.RelativeTimeFormat(tag, { numeric: 'auto', style: 'short' })
  return {
    number: (value: number) => integer.format(value),
    percent: (share: number) => percent.format(share),
    compact: (value: number) => compact.format(value),
    dateTime: (instant: string) => dateTime.format(new Date(instant)),
    /** For lists: without the year. */
    shortTime: (instant: string) => shortTime.format(new Date(instant)),
    /** For axes. */
    shortDate: (date: Date) => shortDate.format(date),
    clock: (date: Date) => clock.format(date),
    /** For titles: the same moment in UTC. */
    utc: (instant: string) => `${utc.format(new Date(instant))} UTC`,
    relative: (instant: string, now: number) => {
      const distance = (Date.parse(instant) - now) / 1_000
      // The page's clock ticks once a second: what has just happened is not "in 1 second".
      const seconds = Math.abs(distance) < 2 ? 0 : distance
      const [unit, size] = units.find(([, least]) => Math.abs(seconds) >= least) ?? (['second', 1] as const)
      return relative.format(Math.trunc(seconds / size), unit)
    },
    /** `1 h 04 m`, `4 m 05 s`, `12 s`: of a countdown. */
    countdown: (ms: number) => {
      const total = Math.max(0, Math.ceil(ms / 1_000))
      const [hours, minutes, seconds] = [Math.floor(total / 3_600), Math.floor(total / 60) % 60, total % 60]
      if (hours >= 48) return `${Math.floor(hours / 24)} d ${hours % 24} h`
      if (hours > 0) return `${hours} h ${two(minutes)} m`
      return minutes > 0 ? `${minutes} m ${two(seconds)} s` : `${seconds} s`
    },
    /** Small amounts keep the digits that tell them apart. */
    usd: (amount: number) => (amount > 0 && amount < 1 ? cents : dollars).format(amount),
    /** Of a million tokens: all digits that were given. */
    price: (amount: number) => prices.format(amount),
    milliseconds: (ms: number) => (ms < 10_000 ? `${integer.format(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`),
    bytes: (bytes: number) => {
      if (bytes < 1_024) return `${integer.format(bytes)} B`
      return bytes < 1_048_576 ? `${(bytes / 1_024).toFixed(1)} KiB` : `${(bytes / 1_048_576).toFixed(1)} MiB`
    },
  }
}

export type Format = ReturnType<typeof createFormat>

const units = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
] as const

function two(value: number): string {
  return String(value).padStart(2, '0')
}
