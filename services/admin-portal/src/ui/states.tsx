'use client'

import { ApiError } from '@gpt-load/api-client/api-error'
import { CircleAlert, RotateCw } from 'lucide-react'
import type { ReactNode } from 'react'
import { useText } from '../i18n/locale.tsx'
import { Button } from './button.tsx'
import { CopyButton } from './copy-button.tsx'

/** An empty list says what belongs there and how it gets there. */
export function EmptyState(props: { icon: ReactNode; title: string; text: string; action?: ReactNode }) {
  return (
    <div className="flex flex-col items-center px-6 py-14 text-center">
      <div className="mb-3 grid size-10 place-items-center rounded-full bg-sunken text-ink-faint">{props.icon}</div>
      <h2 className="text-[15px] font-semibold">{props.title}</h2>
      <p className="mt-1 max-w-md text-ink-faint text-pretty">{props.text}</p>
      {props.action !== undefined && <div className="mt-4 flex flex-wrap justify-center gap-2">{props.action}</div>}
    </div>
  )
}

export function ErrorState({ error, onRetry }: { error: unknown; onRetry: () => void }) {
  const { t } = useText()
  const requestId = error instanceof ApiError ? error.requestId : null
  return (
    <div role="alert" className="flex flex-col items-center px-6 py-12 text-center">
      <CircleAlert aria-hidden className="mb-3 size-6 text-bad" />
      <h2 className="text-[15px] font-semibold">{t('error.title')}</h2>
      <p className="mt-1 max-w-md text-ink-faint">{describeError(error, t)}</p>
      {requestId !== null && (
        <p className="mt-2 flex items-center gap-1 font-mono text-xs text-ink-faint">
          {t('error.requestId')} {requestId}
          <CopyButton text={requestId} label={t('copy.requestId')} />
        </p>
      )}
      <Button className="mt-4" onClick={onRetry}>
        <RotateCw aria-hidden className="size-3.5" />
        {t('error.retry')}
      </Button>
    </div>
  )
}

type Translate = ReturnType<typeof useText>['t']

/** One sentence. The server's own text is English; what has a text of ours is translated. */
export function describeError(error: unknown, t: Translate): string {
  if (!(error instanceof ApiError)) return t('error.unknown')
  if (error.code === 'network') return t('error.network')
  if (error.code === 'unreadable') return t('error.unreadable', { status: error.status })
  if (error.code === 'precondition_failed') return t('error.changed')
  const fields = error.fieldErrors.map(({ pointer, detail }) => `${pointer}: ${detail}`).join(' · ')
  return fields === '' ? error.message : fields
}

/** Rows of the height that the real ones will have, so that nothing jumps. */
export function SkeletonRows({ rows, height }: { rows: number; height: number }) {
  const { t } = useText()
  return (
    <div role="status" aria-label={t('common.loading')}>
      {Array.from({ length: rows }, (_, row) => (
        <div
          key={row}
          className={`flex items-center gap-6 border-b border-line px-4 last:border-0 ${rowHeights[height] ?? 'h-11'}`}
        >
          <span className={`h-2.5 animate-pulse rounded bg-line ${widths[row % widths.length]}`} />
          <span className="h-2.5 w-24 animate-pulse rounded bg-line max-sm:hidden" />
          <span className="ml-auto h-2.5 w-16 animate-pulse rounded bg-line" />
        </div>
      ))}
    </div>
  )
}

const widths = ['w-40', 'w-56', 'w-32', 'w-48']
const rowHeights: Record<number, string> = { 40: 'h-10', 44: 'h-11', 52: 'h-13', 56: 'h-14' }
