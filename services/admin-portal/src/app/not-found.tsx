'use client'

import { Compass } from 'lucide-react'
import { PageLink } from '../ui/page-link.tsx'
import { useText } from '../i18n/locale.tsx'
import { buttonStyle } from '../ui/button.tsx'
import { EmptyState } from '../ui/states.tsx'

export default function NotFound() {
  const { t } = useText()
  return (
    <EmptyState
      icon={<Compass aria-hidden className="size-5" />}
      title={t('notFound.title')}
      text={t('notFound.text')}
      action={
        <PageLink href="/" className={buttonStyle()}>
          {t('nav.overview')}
        </PageLink>
      }
    />
  )
}
