'use client'

import { ArrowRightLeft, Download, X } from 'lucide-react'
import { useText } from '../../i18n/locale.tsx'
import { Button, IconButton } from '../../ui/button.tsx'
import type { KeyAction } from './key-actions.ts'
import { keyActionIcons } from './key-columns.tsx'

export type BarAction = KeyAction | 'send' | 'export'

const icons = {
  ...keyActionIcons,
  send: <ArrowRightLeft aria-hidden className="size-4" />,
  export: <Download aria-hidden className="size-4" />,
} as const
const actions = ['test', 'restore', 'enable', 'disable', 'send', 'export', 'delete'] as const

/** Over the end of the list while keys are chosen. */
export function SelectionBar(props: {
  /** How many, in words. */
  text: string
  /** The way from what is loaded to everything that the filter matches; null when that is chosen already. */
  widen: { text: string; onSelect: () => void } | null
  onAction: (action: BarAction) => void
  onClear: () => void
}) {
  const { t } = useText()
  const { text, widen } = props
  return (
    <div
      role="region"
      aria-label={t('keys.selection')}
      className="sticky bottom-4 z-20 mx-auto mt-3 flex w-fit max-w-full flex-wrap items-center gap-x-1 gap-y-0.5 rounded-lg border border-line-strong bg-surface px-2 py-1.5 shadow-float"
    >
      <span role="status" className="figures px-2 font-medium">
        {text}
      </span>
      {widen !== null && (
        <button
          type="button"
          className="mr-1 rounded-sm text-accent underline-offset-2 hover:underline"
          onClick={widen.onSelect}
        >
          {widen.text}
        </button>
      )}
      {actions.map((action) => (
        <Button
          key={action}
          kind="quiet"
          size="small"
          className={action === 'delete' ? 'text-bad!' : ''}
          onClick={() => props.onAction(action)}
        >
          {icons[action]}
          {t(`keys.action.${action}`)}
        </Button>
      ))}
      <IconButton label={t('keys.clearSelection')} size="icon" className="size-7!" onClick={props.onClear}>
        <X aria-hidden className="size-4" />
      </IconButton>
    </div>
  )
}
