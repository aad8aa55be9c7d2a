import type { Capacity } from '@gpt-load/contracts/api/capacity'
import { useApi } from '../../client/api.ts'
import { useText } from '../../i18n/locale.tsx'
import { StateMark, type Tone } from '../../ui/badge.tsx'

/** How long the group's keys last; nothing while nothing is known. */
export function CapacityLine({ groupId }: { groupId: number }) {
  const { t, format } = useText()
  const { data } = useApi('GET /api/v1/groups/{id}/capacity', { params: { id: groupId } }, { refreshMs: 15_000 })
  if (data === undefined || data.requests_per_minute === null) return null
  const { requests_per_minute: burn, requests_headroom_per_minute: room } = data
  const parts = [
    t('capacity.burn', { requests: format.number(burn), tokens: format.compact(data.tokens_per_minute ?? 0) }),
    ...(room === null ? [] : [t('capacity.headroom', { requests: format.number(room) })]),
  ]
  return (
    <p aria-label={t('capacity.title')} className="mt-1 flex flex-wrap items-center gap-x-3 text-[13px] text-ink-soft">
      <span>{parts.join(' · ')}</span>
      <Forecast capacity={data} />
    </p>
  )
}

function Forecast({ capacity }: { capacity: Capacity }) {
  const { t, format } = useText()
  const { limited_by: limitedBy, runs_dry_at: dryAt, relief_at: reliefAt, keys_needed: needed } = capacity
  if (dryAt === null) return null
  const at = (instant: string) => format.clock(new Date(instant))
  const isDry = limitedBy === 'keys'
  const tone: Tone = isDry ? 'bad' : 'warn'
  const relief = reliefAt === null ? t('capacity.noRelief') : t('capacity.relief', { time: at(reliefAt) })
  return (
    <StateMark tone={tone}>
      {[
        isDry ? t('capacity.dry') : t('capacity.runsDry', { time: at(dryAt) }),
        relief,
        t('capacity.needed', { keys: format.number(needed) }),
      ].join(' · ')}
    </StateMark>
  )
}
