'use client'

import { Dialog as Base } from '@base-ui/react/dialog'
import { X } from 'lucide-react'
import type { ReactNode } from 'react'
import { useText } from '../i18n/locale.tsx'
import { IconButton } from './button.tsx'
import { backdropStyle } from './dialog.tsx'

/** Details of a row, beside its list. */
export function Drawer(props: { title: ReactNode; onClose: () => void; children: ReactNode; actions?: ReactNode }) {
  const { t } = useText()
  return (
    <Base.Root open onOpenChange={(open) => open || props.onClose()}>
      <Base.Portal>
        <Base.Backdrop className={backdropStyle} />
        <Base.Popup className="fixed inset-y-0 right-0 z-50 flex w-full max-w-xl flex-col border-l border-line bg-surface shadow-float transition-transform duration-150 data-ending-style:translate-x-8 data-ending-style:opacity-0 data-starting-style:translate-x-8 data-starting-style:opacity-0">
          <header className="flex items-center gap-2 border-b border-line px-5 py-3">
            <Base.Title className="min-w-0 flex-1 truncate text-[15px] font-semibold">{props.title}</Base.Title>
            <Base.Close render={<IconButton label={t('common.close')} className="-mr-2" />}>
              <X aria-hidden className="size-4" />
            </Base.Close>
          </header>
          {props.actions !== undefined && (
            <div className="flex flex-wrap gap-2 border-b border-line px-5 py-2.5">{props.actions}</div>
          )}
          <div className="quiet-scroll min-h-0 flex-1 overflow-y-auto px-5 py-4">{props.children}</div>
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  )
}

export function DrawerSection({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className="mt-6 first:mt-0">
      <h3 className="mb-2 font-medium">{title}</h3>
      {children}
    </section>
  )
}
