'use client'

import type { SystemWarning } from '@gpt-load/contracts/api/system'
import { useSyncExternalStore } from 'react'
import { TriangleAlert, X } from 'lucide-react'
import { useApi } from '../../client/api.ts'
import { useText } from '../../i18n/locale.tsx'
import { IconButton } from '../../ui/button.tsx'
import { PageLink } from '../../ui/page-link.tsx'

const refreshMs = 30_000
const storageKey = 'gpt-load-dismissed-warnings'
const listeners = new Set<() => void>()

/** Read with the overview: they stand above it. */
export function useWarnings() {
  const { data, isPending } = useApi('GET /api/v1/system', {}, { refreshMs })
  return { warnings: data?.warnings ?? [], isPending }
}

/** What somebody should know without going to look for it. Who knows it already puts it away, in this browser. */
export function ThingsToLookAt({ warnings }: { warnings: readonly SystemWarning[] }) {
  const { t } = useText()
  const dismissed = useSyncExternalStore(subscribe, readDismissed, () => '')
  const shown = warnings.filter(
    (warning) => warning.severity !== 'notice' && !dismissed.split('\n').includes(nameOf(warning)),
  )
  if (shown.length === 0) return null
  return (
    <section aria-label={t('overview.lookAt')} className="rounded-lg bg-warn-soft px-4 py-2.5">
      <ul className="grid gap-1">
        {shown.map((warning) => {
          const text = t(`system.warning.${warning.code}`, { subject: warning.subject })
          return (
            <li key={nameOf(warning)} className="flex items-center gap-2.5">
              <TriangleAlert
                aria-hidden
                className={`size-4 shrink-0 ${warning.severity === 'critical' ? 'text-bad' : 'text-warn'}`}
              />
              <span className="min-w-0 flex-1">
                <span className={`font-medium ${warning.severity === 'critical' ? 'text-bad' : 'text-warn'}`}>
                  {text}
                </span>
                <span className="ml-2 text-[13px] text-ink-soft max-md:hidden">
                  {t(`system.advice.${warning.code}`, { detail: warning.detail })}
                </span>
              </span>
              <PageLink href="/system/" className="shrink-0 text-accent hover:underline max-sm:hidden">
                {t('overview.allWarnings')}
              </PageLink>
              <IconButton
                label={t('overview.dismiss', { text })}
                className="size-6!"
                onClick={() => dismiss(nameOf(warning))}
              >
                <X aria-hidden className="size-3.5" />
              </IconButton>
            </li>
          )
        })}
      </ul>
    </section>
  )
}

function nameOf({ code, subject }: SystemWarning): string {
  return `${code} ${subject}`
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => void listeners.delete(listener)
}

function readDismissed(): string {
  return localStorage.getItem(storageKey) ?? ''
}

function dismiss(name: string): void {
  localStorage.setItem(storageKey, `${readDismissed()}\n${name}`.trim())
  for (const listener of listeners) listener()
}
