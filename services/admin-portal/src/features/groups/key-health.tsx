import type { Group } from '@gpt-load/contracts/api/group'
import { keyStates, type KeyState } from '@gpt-load/contracts/key-state'
import { useText } from '../../i18n/locale.tsx'
import type { Tone } from '../../ui/badge.tsx'

export const toneOfState: Readonly<Record<KeyState, Tone>> = {
  active: 'good',
  suspect: 'warn',
  cooling: 'warn',
  exhausted: 'warn',
  invalid: 'bad',
  disabled: 'idle',
}

const fills: Readonly<Record<Tone, string>> = {
  good: 'bg-good-fill',
  warn: 'bg-warn-fill',
  bad: 'bg-bad-fill',
  idle: 'bg-idle-fill',
}

/** Shares of the states as one bar; its words are in its label. */
export function KeyHealthBar({ counts }: { counts: Group['key_counts'] }) {
  const { t, format } = useText()
  const present = keyStates.filter((state) => counts[state] > 0)
  if (present.length === 0) return <span aria-hidden className="h-1.5 w-full rounded-full bg-line" />
  const label = present.map((state) => `${t(`state.${state}`)} ${format.number(counts[state])}`).join(', ')
  return (
    <span
      role="img"
      aria-label={label}
      title={label}
      className="flex h-1.5 w-full gap-px overflow-hidden rounded-full bg-line"
    >
      {present.map((state) => (
        <span key={state} className={`min-w-1 ${fills[toneOfState[state]]}`} style={{ flexGrow: counts[state] }} />
      ))}
    </span>
  )
}
