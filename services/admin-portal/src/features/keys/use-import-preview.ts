'use client'

import type { KeyImportPreview } from '@gpt-load/contracts/api/key'
import { useEffect, useState } from 'react'
import { api } from '../../client/api.ts'
import '../../client/form-errors.ts'
import type { KeySource } from './key-source.ts'
import { previewKeys, type ImportPreview } from './preview-keys.ts'

type Shown = {
  preview: ImportPreview | null
  /** What the group would gain; null before the API has said it. */
  inGroup: Pick<KeyImportPreview, 'new' | 'duplicate'> | null
  isReading: boolean
  isUnreadable: boolean
}
const nothing: Shown = { preview: null, inGroup: null, isReading: false, isUnreadable: false }
/** Somebody may go on typing: the API is asked about what stays. */
const askAfterMs = 400

/** The counts grow while the source is read; then the API tells which keys the group has already. */
export function useImportPreview(source: KeySource | null, groupId: number): Shown {
  const [shown, setShown] = useState<Shown>(nothing)
  useEffect(() => {
    if (source === null) return setShown(nothing)
    const abort = new AbortController()
    const show = (change: Partial<Shown>): void => {
      if (!abort.signal.aborted) setShown((before) => ({ ...before, ...change }))
    }
    show({ inGroup: null, isReading: true, isUnreadable: false })
    const { signal } = abort
    previewKeys(source, { onProgress: (preview) => show({ preview }), signal }).then(
      (preview) => {
        show({ preview, isReading: false })
        // Without its answer the counts of the browser remain.
        if (!preview.isPart && preview.different > 0)
          void askApi(source, groupId, signal).then(
            (inGroup) => show({ inGroup }),
            () => {},
          )
      },
      () => show({ preview: null, isReading: false, isUnreadable: true }),
    )
    return () => abort.abort()
  }, [source, groupId])
  return shown
}

async function askApi({ type, body }: KeySource, id: number, signal: AbortSignal): Promise<KeyImportPreview> {
  await new Promise((resolve) => setTimeout(resolve, askAfterMs))
  signal.throwIfAborted()
  const upload = { type, content: body }
  const { data } = await api('POST /api/v1/groups/{id}/keys/import/preview', { params: { id }, upload, signal })
  return data
}
