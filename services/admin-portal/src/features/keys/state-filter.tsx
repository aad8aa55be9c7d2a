'use client'

import type { Group } from '@gpt-load/contracts/api/group'
import { keyStates, type KeyState } from '@gpt-load/contracts/key-state'
import { useText } from '../../i18n/locale.tsx'
import { StateMark } from '../../ui/badge.tsx'
import { toneOfState } from '../groups/key-health.tsx'

/** The states that occur, each with its count; several may be chosen. */
export function StateFilter(props: {
  counts: Group['key_counts']
  chosen: readonly KeyState[]
  onChange: (states: KeyState[]) => void
}) {
  const { t, format } = useText()
  const { counts, chosen, onChange } = props
  const offered = keyStates.filter((state) => counts[state] > 0 || chosen.includes(state))
  return (
    <div role="group" aria-label={t('keys.filterState')} className="order-last flex basis-full flex-wrap gap-1">
      {offered.map((state) => {
        const isOn = chosen.includes(state)
        return (
          <button
            key={state}
            type="button"
            aria-pressed={isOn}
            onClick={() => onChange(isOn ? chosen.filter((each) => each !== state) : [...chosen, state])}
            className="flex h-8 items-center gap-1.5 rounded-md border border-line px-2.5 hover:bg-sunken aria-pressed:border-accent aria-pressed:bg-accent-soft"
          >
            <StateMark tone={toneOfState[state]}>{t(`state.${state}`)}</StateMark>
            <span className="figures text-ink-faint">{format.compact(counts[state])}</span>
          </button>
        )
      })}
    </div>
  )
}
