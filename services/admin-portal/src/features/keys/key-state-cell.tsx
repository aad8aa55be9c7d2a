'use client'

import type { Key } from '@gpt-load/contracts/api/key'
import { useNow } from '../../client/use-now.ts'
import { useText } from '../../i18n/locale.tsx'
import { StateMark } from '../../ui/badge.tsx'
import { toneOfState } from '../groups/key-health.tsx'

type Stated = Pick<Key, 'state' | 'until' | 'cause'>

/** The state, why, and for how long. A deadline that has passed counts as over, as it does on the edges. */
export function KeyStateCell({ item }: { item: Stated }) {
  const { t, format } = useText()
  const now = useNow()
  const left = item.until === null ? null : Date.parse(item.until) - now
  const isOver = left !== null && left <= 0
  return (
    <span className="block leading-tight">
      <StateMark tone={isOver ? 'good' : toneOfState[item.state]}>
        {isOver ? t('keys.isDue', { state: t(`state.${item.state}`) }) : t(`state.${item.state}`)}
        {left !== null && !isOver && (
          <span className="figures" title={item.until === null ? undefined : format.dateTime(item.until)}>
            {format.countdown(left)}
          </span>
        )}
      </StateMark>
      <Cause item={item} />
    </span>
  )
}

function Cause({ item: { state, cause } }: { item: Stated }) {
  const { t } = useText()
  if (cause === null || state === 'active') return null
  const text = [cause.status, cause.code || t(`cause.${cause.class}`), cause.note].filter(Boolean).join(' · ')
  return (
    <span className="mt-0.5 block truncate pl-3.5 text-xs text-ink-faint" title={text}>
      {text}
    </span>
  )
}
