'use client'

import { useText } from '../i18n/locale.tsx'

/** When a row of a list happened; opens what there is about it. */
export function TimeButton({ at, onOpen }: { at: string; onOpen: () => void }) {
  const { format } = useText()
  return (
    <button
      type="button"
      onClick={onOpen}
      title={`${format.dateTime(at)}\n${format.utc(at)}`}
      className="figures rounded-sm text-accent hover:underline"
    >
      {format.shortTime(at)}
    </button>
  )
}
