'use client'

import type { SystemWarning } from '@gpt-load/contracts/api/system'
import { CircleAlert, CircleCheck, Info, TriangleAlert } from 'lucide-react'
import { useText } from '../../i18n/locale.tsx'

/** What somebody should look at, each with what to do about it. */
export function Warnings({ warnings }: { warnings: readonly SystemWarning[] }) {
  const { t } = useText()
  if (warnings.length === 0)
    return (
      <p className="flex items-center gap-2.5 rounded-lg bg-good-soft px-4 py-3 text-good">
        <CircleCheck aria-hidden className="size-4 shrink-0" />
        {t('system.noWarnings')}
      </p>
    )
  return (
    <ul className="grid grid-cols-1 gap-2">
      {warnings.map((warning) => (
        <Warning key={`${warning.code} ${warning.subject}`} warning={warning} />
      ))}
    </ul>
  )
}

const looks = {
  critical: { icon: CircleAlert, box: 'bg-bad-soft', text: 'text-bad' },
  warning: { icon: TriangleAlert, box: 'bg-warn-soft', text: 'text-warn' },
  notice: { icon: Info, box: 'bg-surface border border-line', text: 'text-ink-soft' },
} as const

function Warning({ warning: { code, severity, subject, detail } }: { warning: SystemWarning }) {
  const { t } = useText()
  const { icon: Icon, box, text } = looks[severity]
  return (
    <li className={`flex items-start gap-2.5 rounded-lg px-4 py-2.5 ${box}`}>
      <Icon role="img" aria-label={t(`system.severity.${severity}`)} className={`mt-0.5 size-4 shrink-0 ${text}`} />
      <div className="min-w-0">
        <p className={`font-medium ${text}`}>{t(`system.warning.${code}`, { subject })}</p>
        <p className="text-[13px] text-ink-soft">{t(`system.advice.${code}`, { detail })}</p>
      </div>
    </li>
  )
}
