'use client'

import { useTheme } from 'next-themes'
import { Toaster } from 'sonner'
import { useText } from '../i18n/locale.tsx'

export function Notices() {
  const { resolvedTheme } = useTheme()
  const { t } = useText()
  return (
    <Toaster
      theme={resolvedTheme === 'dark' ? 'dark' : 'light'}
      position="bottom-right"
      containerAriaLabel={t('common.notices')}
      toastOptions={{
        classNames: {
          toast: 'font-sans! rounded-lg! border-line! bg-surface! text-ink! shadow-float!',
          description: 'text-ink-faint!',
          error: '[&_[data-icon]]:text-bad!',
          success: '[&_[data-icon]]:text-good!',
        },
      }}
    />
  )
}
