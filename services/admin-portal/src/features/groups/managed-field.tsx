'use client'

import type { ReactNode } from 'react'
import { useText } from '../../i18n/locale.tsx'
import { Tag } from '../../ui/badge.tsx'
import { ownerOfField, type Owned } from './file-owner.ts'

/** What a configuration file names is marked, and whoever edits it here knows what comes of it. `owner` null = nothing to show. */
export function ManagedTag({ owner }: { owner: string | null }) {
  const { t } = useText()
  if (owner === null) return null
  const text = t('managed.by', { owner })
  return (
    <Tag canShrink>
      <span className="truncate" title={text}>
        {text}
      </span>
    </Tag>
  )
}

/** Shown once the field is changed. */
export function ManagedWarning({ owner }: { owner: string | null }) {
  const { t } = useText()
  if (owner === null) return null
  return (
    <p role="note" className="text-[13px] text-warn">
      {t('managed.edit', { owner })}
    </p>
  )
}

/** The parts of a `Field` by which it shows that a file manages it. */
export function useManagedField(object: Owned | undefined) {
  const { t } = useText()
  return (field: string, isChanged: boolean | undefined): { aside?: ReactNode; warning?: string } => {
    const owner = object === undefined ? null : ownerOfField(object, field)
    if (owner === null) return {}
    return {
      // No higher than the label: fields beside each other stay in line.
      aside: (
        <span className="-my-0.5 flex min-w-0">
          <ManagedTag owner={owner} />
        </span>
      ),
      ...(isChanged === true && { warning: t('managed.edit', { owner }) }),
    }
  }
}
