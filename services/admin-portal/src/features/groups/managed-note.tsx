'use client'

import type { Group } from '@gpt-load/contracts/api/group'
import { FileLock } from 'lucide-react'
import type { ReactNode } from 'react'
import { useText } from '../../i18n/locale.tsx'
import { fileOwnerOf } from './file-owner.ts'

/** Above what a configuration file manages: whoever edits it here knows what comes of it. */
export function Managed({ group, children }: { group: Group; children: ReactNode }) {
  const { t } = useText()
  const owner = fileOwnerOf(group)
  return (
    <>
      {owner !== null && (
        <p role="note" className="mb-4 flex items-start gap-2.5 rounded-lg bg-warn-soft px-4 py-2.5 text-warn">
          <FileLock aria-hidden className="mt-0.5 size-4 shrink-0" />
          {t('managed.note', { owner })}
        </p>
      )}
      {children}
    </>
  )
}
