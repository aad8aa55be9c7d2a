import type { ReactNode } from 'react'

const tones = {
  good: ['text-good', 'bg-good-fill'],
  warn: ['text-warn', 'bg-warn-fill'],
  bad: ['text-bad', 'bg-bad-fill'],
  idle: ['text-ink-faint', 'bg-idle-fill'],
} as const
export type Tone = keyof typeof tones

/** A state: always a word beside the colour. */
export function StateMark({ tone, children }: { tone: Tone; children: ReactNode }) {
  const [text, fill] = tones[tone]
  return (
    <span className={`inline-flex items-center gap-1.5 whitespace-nowrap ${text}`}>
      <span aria-hidden className={`size-2 shrink-0 rounded-full ${fill}`} />
      {children}
    </span>
  )
}

/** `canShrink`: gives way in a narrow line; what it holds says how. */
export function Tag({ canShrink = false, children }: { canShrink?: boolean; children: ReactNode }) {
  return (
    <span
      className={`inline-flex items-center rounded border border-line bg-sunken px-1.5 py-px text-xs whitespace-nowrap text-ink-soft ${canShrink ? 'max-w-64 min-w-0' : ''}`}
    >
      {children}
    </span>
  )
}
