'use client'

import type { Group } from '@gpt-load/contracts/api/group'
import { maxKeysBodyBytes, maxKeysPerRequest, type KeyAddResult } from '@gpt-load/contracts/api/key'
import { Upload } from 'lucide-react'
import { useMemo, useRef, useState, type DragEvent } from 'react'
import { toast } from 'sonner'
import { api, useChange } from '../../client/api.ts'
import { useText } from '../../i18n/locale.tsx'
import { Button } from '../../ui/button.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { Field, TextArea, TextInput } from '../../ui/field.tsx'
import { describeError } from '../../ui/states.tsx'
import { previewKeys } from './preview-keys.ts'

/** Paste, drop or choose a file; the result stays until it is closed. */
export function AddKeys({ group, onClose }: { group: Group; onClose: () => void }) {
  const { t, format } = useText()
  const [text, setText] = useState('')
  const [note, setNote] = useState('')
  const [result, setResult] = useState<KeyAddResult | null>(null)
  const preview = useMemo(() => previewKeys(text), [text])
  const add = useChange(
    () =>
      api('POST /api/v1/groups/{id}/keys', {
        params: { id: group.id },
        body: { text, ...(note.trim() === '' ? {} : { note: note.trim() }) },
      }),
    {
      onDone: ({ data }) => setResult(data),
      onFailed: (error) => toast.error(describeError(error, t)),
    },
  )
  if (result !== null) return <AddResult result={result} onClose={onClose} />
  const isTooMuch = preview.keys > maxKeysPerRequest || text.length > maxKeysBodyBytes
  return (
    <Dialog
      title={t('keys.add')}
      description={t('keys.addAbout', { group: group.name })}
      isDirty={text !== ''}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{t('common.cancel')}</Button>
          <Button
            kind="primary"
            type="submit"
            form="add-keys"
            disabled={preview.keys === 0 || isTooMuch}
            isBusy={add.isPending}
          >
            {preview.keys === 0 ? t('keys.add') : t('keys.addCount', { count: format.number(preview.keys) })}
          </Button>
        </>
      }
    >
      <form
        id="add-keys"
        className="grid gap-4"
        onSubmit={(event) => {
          event.preventDefault()
          add.mutate(undefined)
        }}
      >
        <Field
          label={t('keys.keys')}
          hint={t('keys.pasteHint')}
          error={isTooMuch ? t('keys.tooMany', { max: format.number(maxKeysPerRequest) }) : undefined}
          aside={<FileButton onText={setText} />}
        >
          {(control) => (
            <TextArea
              {...control}
              autoFocus
              rows={9}
              value={text}
              onChange={(event) => setText(event.target.value)}
              onDrop={(event) => void dropText(event).then((dropped) => dropped !== null && setText(dropped))}
              className="font-mono text-[13px]"
              placeholder={'sk-…\nsk-…'}
            />
          )}
        </Field>
        <p role="status" className="figures -mt-2 text-[13px] text-ink-faint">
          {text.trim() === ''
            ? ' '
            : t('keys.preview', { keys: format.number(preview.keys), duplicate: format.number(preview.duplicate) })}
        </p>
        <Field label={t('keys.note')} hint={t('keys.noteHint')}>
          {(control) => (
            <TextInput {...control} maxLength={255} value={note} onChange={(event) => setNote(event.target.value)} />
          )}
        </Field>
      </form>
    </Dialog>
  )
}

function AddResult({ result, onClose }: { result: KeyAddResult; onClose: () => void }) {
  const { t, format } = useText()
  const figures = [
    [t('keys.added'), result.added],
    [t('keys.duplicate'), result.duplicate],
    [t('keys.malformed'), result.malformed],
    [t('keys.total'), result.total],
  ] as const
  return (
    <Dialog
      title={t('keys.addResult')}
      onClose={onClose}
      footer={
        <Button kind="primary" onClick={onClose} autoFocus>
          {t('common.done')}
        </Button>
      }
    >
      <dl className="grid grid-cols-2 gap-3 sm:grid-cols-4">
        {figures.map(([name, value]) => (
          <div key={name} className="rounded-lg bg-sunken px-3 py-2">
            <dt className="text-[13px] text-ink-faint">{name}</dt>
            <dd className="figures text-lg font-semibold">{format.number(value)}</dd>
          </div>
        ))}
      </dl>
      {result.malformed_lines.length > 0 && (
        <ul className="mt-4 grid max-h-48 gap-1 overflow-y-auto text-[13px]">
          {result.malformed_lines.map(({ line, reason }) => (
            <li key={line} className="figures">
              {t('keys.line', { line: format.number(line) })} <span className="text-ink-faint">{reason}</span>
            </li>
          ))}
        </ul>
      )}
    </Dialog>
  )
}

function FileButton({ onText }: { onText: (text: string) => void }) {
  const { t } = useText()
  const input = useRef<HTMLInputElement>(null)
  return (
    <>
      <input
        ref={input}
        type="file"
        accept=".txt,.csv,.json,text/plain"
        hidden
        onChange={(event) => {
          const file = event.target.files?.[0]
          if (file !== undefined) void file.text().then(onText)
        }}
      />
      <Button kind="quiet" size="small" onClick={() => input.current?.click()}>
        <Upload aria-hidden className="size-3.5" />
        {t('keys.file')}
      </Button>
    </>
  )
}

async function dropText(event: DragEvent): Promise<string | null> {
  const file = event.dataTransfer.files[0]
  if (file === undefined) return null
  event.preventDefault()
  return file.text()
}
