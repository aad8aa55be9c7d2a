'use client'

import { useEffect, useState } from 'react'
import '../../client/form-errors.ts'
import type { KeySource } from './key-source.ts'
import { previewKeys, type ImportPreview } from './preview-keys.ts'

type Shown = { preview: ImportPreview | null; isReading: boolean; isUnreadable: boolean }
const nothing: Shown = { preview: null, isReading: false, isUnreadable: false }

/** The counts grow while the source is read. */
export function useImportPreview(source: KeySource | null): Shown {
  const [shown, setShown] = useState<Shown>(nothing)
  useEffect(() => {
    if (source === null) return setShown(nothing)
    const abort = new AbortController()
    const show = (change: Partial<Shown>): void => {
      if (!abort.signal.aborted) setShown((before) => ({ ...before, ...change }))
    }
    show({ isReading: true, isUnreadable: false })
    previewKeys(source, { onProgress: (preview) => show({ preview }), signal: abort.signal }).then(
      (preview) => show({ preview, isReading: false }),
      () => show({ preview: null, isReading: false, isUnreadable: true }),
    )
    return () => abort.abort()
  }, [source])
  return shown
}
