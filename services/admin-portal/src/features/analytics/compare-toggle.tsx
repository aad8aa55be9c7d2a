'use client'

import { useText } from '../../i18n/locale.tsx'
import { Toggle } from '../../ui/toggle.tsx'

export function CompareToggle({ isOn, onChange }: { isOn: boolean; onChange: (isOn: boolean) => void }) {
  const { t } = useText()
  return (
    <span className="flex items-center gap-2 text-[13px] text-ink-soft">
      <Toggle label={t('figures.compare')} isOn={isOn} onChange={onChange} />
      <span aria-hidden>{t('figures.compare')}</span>
    </span>
  )
}
