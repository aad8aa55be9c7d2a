'use client'

import { useNow } from '../client/use-now.ts'
import { useText } from '../i18n/locale.tsx'

/** "3 min ago"; local time and UTC on hover. */
export function Moment({ at }: { at: string }) {
  const { format } = useText()
  const now = useNow()
  return (
    <time dateTime={at} title={`${format.dateTime(at)}\n${format.utc(at)}`} className="figures">
      {format.relative(at, now)}
    </time>
  )
}

/** Date and time in full. */
export function DateTime({ at }: { at: string }) {
  const { format } = useText()
  return (
    <time dateTime={at} title={format.utc(at)} className="figures">
      {format.dateTime(at)}
    </time>
  )
}
