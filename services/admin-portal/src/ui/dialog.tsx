'use client'

import { Dialog as Base } from '@base-ui/react/dialog'
import { X } from 'lucide-react'
import type { ReactNode } from 'react'
import { useText } from '../i18n/locale.tsx'
import { IconButton } from './button.tsx'

export const backdropStyle =
  'fixed inset-0 z-40 bg-black/35 transition-opacity duration-150 data-ending-style:opacity-0 data-starting-style:opacity-0 dark:bg-black/60'
const popupStyle =
  'fixed top-[max(1rem,8vh)] left-1/2 z-50 flex max-h-[84vh] w-[calc(100vw-2rem)] -translate-x-1/2 flex-col rounded-xl border border-line bg-surface shadow-float transition duration-150 data-ending-style:opacity-0 data-starting-style:-translate-y-1 data-starting-style:opacity-0'

/** What is typed is not lost by a click beside it: while `isDirty`, only its own buttons and Escape close it. */
export function Dialog(props: {
  title: string
  description?: ReactNode
  onClose: () => void
  isDirty?: boolean
  width?: string
  children: ReactNode
  footer?: ReactNode
}) {
  const { t } = useText()
  const { title, description, onClose, isDirty = false, width = 'max-w-xl' } = props
  return (
    <Base.Root open onOpenChange={(open) => open || onClose()} disablePointerDismissal={isDirty}>
      <Base.Portal>
        <Base.Backdrop className={backdropStyle} />
        <Base.Popup className={`${popupStyle} ${width}`}>
          <header className="flex items-start gap-3 border-b border-line px-5 py-3.5">
            <div className="min-w-0 flex-1">
              <Base.Title className="text-[15px] font-semibold">{title}</Base.Title>
              {description !== undefined && (
                <Base.Description className="mt-0.5 text-ink-faint">{description}</Base.Description>
              )}
            </div>
            <Base.Close render={<IconButton label={t('common.close')} className="-mr-2" />}>
              <X aria-hidden className="size-4" />
            </Base.Close>
          </header>
          <div className="quiet-scroll min-h-0 flex-1 overflow-y-auto px-5 py-4">{props.children}</div>
          {props.footer !== undefined && (
            <footer className="flex flex-wrap justify-end gap-2 border-t border-line px-5 py-3">{props.footer}</footer>
          )}
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  )
}
