'use client'

import { SearchX } from 'lucide-react'
import { useText } from '../i18n/locale.tsx'
import { Button } from './button.tsx'
import { EmptyState } from './states.tsx'

/** A list that is empty because of its filters. */
export function NothingFound({ onClear }: { onClear: () => void }) {
  const { t } = useText()
  return (
    <EmptyState
      icon={<SearchX aria-hidden className="size-5" />}
      title={t('list.nothingTitle')}
      text={t('list.nothingText')}
      action={<Button onClick={onClear}>{t('list.clear')}</Button>}
    />
  )
}
