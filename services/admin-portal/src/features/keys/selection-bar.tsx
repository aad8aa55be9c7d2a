'use client'

import { X } from 'lucide-react'
import { useText } from '../../i18n/locale.tsx'
import { Button, IconButton } from '../../ui/button.tsx'
import type { KeyAction } from './key-actions.ts'
import { keyActionIcons } from './key-columns.tsx'

const actions = ['test', 'restore', 'enable', 'disable', 'delete'] as const

/** Over the end of the list while keys are chosen, and while an action runs. */
export function SelectionBar(props: {
  count: number
  progress: { action: KeyAction; done: number; total: number } | null
  onAction: (action: KeyAction) => void
  onClear: () => void
}) {
  const { t, format } = useText()
  const { count, progress } = props
  if (count === 0 && (progress === null || progress.total === 1)) return null
  return (
    <div
      role="region"
      aria-label={t('keys.selection')}
      className="sticky bottom-4 z-20 mx-auto mt-3 flex w-fit max-w-full flex-wrap items-center gap-1 rounded-lg border border-line-strong bg-surface px-2 py-1.5 shadow-float"
    >
      {progress === null ? (
        <>
          <span className="figures px-2">{t('keys.selected', { count: format.number(count) })}</span>
          {actions.map((action) => (
            <Button
              key={action}
              kind="quiet"
              size="small"
              className={action === 'delete' ? 'text-bad!' : ''}
              onClick={() => props.onAction(action)}
            >
              {keyActionIcons[action]}
              {t(`keys.action.${action}`)}
            </Button>
          ))}
          <IconButton label={t('keys.clearSelection')} size="icon" className="size-7!" onClick={props.onClear}>
            <X aria-hidden className="size-4" />
          </IconButton>
        </>
      ) : (
        <span role="status" className="figures px-2 py-1">
          {t('keys.progress', { done: format.number(progress.done), total: format.number(progress.total) })}
        </span>
      )}
    </div>
  )
}
