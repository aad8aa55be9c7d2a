'use client'

import type { KeyDetail, KeyUsage } from '@gpt-load/contracts/api/key'
import { useText } from '../../i18n/locale.tsx'
import { Moment } from '../../ui/moment.tsx'

/** When a key was used last, and how often in a day; nothing while the request logs do not answer. */
export function KeyUsageCell({ usage }: { usage: KeyUsage | null }) {
  const { t, format } = useText()
  if (usage === null) return <span className="text-ink-faint">–</span>
  const { last_used_at: at, last_day: day } = usage
  return (
    <span className="block leading-tight">
      {at === null ? <span className="text-ink-faint">{t('keys.neverUsed')}</span> : <Moment at={at} />}
      {day.requests > 0 && (
        <span className="mt-0.5 block text-xs text-ink-faint">
          {t('keys.dayRequests', { requests: format.compact(day.requests) })}
          {day.failures > 0 && ` · ${t('keys.dayFailures', { failures: format.compact(day.failures) })}`}
        </span>
      )}
    </span>
  )
}

/** A column per hour; the failed part of it at its foot. */
export function KeyHours({ usage }: { usage: KeyDetail['usage'] }) {
  const { t, format } = useText()
  if (usage === null) return <p className="text-ink-faint">{t('keys.usageUnknown')}</p>
  const highest = Math.max(1, ...usage.hours.map(({ requests }) => requests))
  const textOf = ({ requests, failures }: { requests: number; failures: number }): string =>
    t('keys.hourOf', { requests: format.number(requests), failures: format.number(failures) })
  return (
    <>
      <p className="mb-2 text-ink-soft">{textOf(usage.last_day)}</p>
      <ol className="flex h-16 items-end gap-px" aria-label={t('keys.usage')}>
        {usage.hours.map((hour) => (
          <li
            key={hour.at}
            title={`${format.dateTime(hour.at)}: ${textOf(hour)}`}
            className="flex h-full flex-1 flex-col justify-end bg-sunken"
          >
            <span className="sr-only">{`${format.dateTime(hour.at)}: ${textOf(hour)}`}</span>
            <span className="bg-accent" style={{ height: `${((hour.requests - hour.failures) / highest) * 100}%` }} />
            <span className="bg-bad" style={{ height: `${(hour.failures / highest) * 100}%` }} />
          </li>
        ))}
      </ol>
    </>
  )
}
