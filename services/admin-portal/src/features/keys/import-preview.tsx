'use client'

import type { KeyImportPreview } from '@gpt-load/contracts/api/key'
import { useText } from '../../i18n/locale.tsx'
import { Figures } from '../../ui/figures.tsx'
import { ProgressBar } from '../../ui/progress-bar.tsx'
import type { KeySource } from './key-source.ts'
import { maxPreviewBytes, type ImportPreview as Preview } from './preview-keys.ts'

/** What would be imported, before it is. */
export function ImportPreview(props: {
  source: KeySource
  preview: Preview
  inGroup: Pick<KeyImportPreview, 'new' | 'duplicate'> | null
  isReading: boolean
}) {
  const { t, format } = useText()
  const { source, preview, inGroup, isReading } = props
  const share = preview.readBytes / Math.max(1, Math.min(source.body.size, maxPreviewBytes))
  return (
    <div className="grid gap-3">
      <div role="status">
        <Figures
          items={[
            inGroup === null
              ? [t('keys.previewDifferent'), format.number(preview.different)]
              : [t('keys.previewNew'), format.number(inGroup.new)],
            inGroup === null
              ? [t('keys.previewRepeated'), format.number(preview.repeated)]
              : [t('keys.previewDuplicate'), format.number(inGroup.duplicate)],
            [t('keys.previewMalformed'), format.number(preview.malformed), preview.malformed > 0],
          ]}
        />
      </div>
      {isReading && source.body.size > 1_048_576 && (
        <ProgressBar label={t('keys.previewReading', { percent: format.percent(share) })} share={share} />
      )}
      {preview.isPart && (
        <p className="text-[13px] text-ink-faint">{t('keys.previewPart', { size: format.bytes(maxPreviewBytes) })}</p>
      )}
      <section>
        <h3 className="mb-1 text-[13px] text-ink-faint">{t('keys.previewFirst')}</h3>
        <ol className="grid gap-px overflow-hidden rounded-lg border border-line">
          {preview.first.map(({ line, hint, problem }, index) => (
            <li key={index} className="flex gap-3 bg-surface px-3 py-1 text-[13px]">
              <span className="figures w-14 shrink-0 text-ink-faint">
                {t('tasks.line', { line: format.number(line) })}
              </span>
              {problem === null ? (
                <span className="truncate font-mono">{hint}</span>
              ) : (
                <span className="truncate text-bad" lang="en">
                  {problem}
                </span>
              )}
            </li>
          ))}
        </ol>
      </section>
    </div>
  )
}
