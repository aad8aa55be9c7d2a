'use client'

import { FileText, Upload, X } from 'lucide-react'
import { useRef, useState, type DragEvent } from 'react'
import { useText } from '../../i18n/locale.tsx'
import { Button, IconButton } from '../../ui/button.tsx'
import { Field, TextArea } from '../../ui/field.tsx'
import { sourceOfFile, sourceOfText, type KeySource } from './key-source.ts'

/** Typed, pasted, dropped or chosen: one source at a time. */
export function ImportSource({
  source,
  onSource,
}: {
  source: KeySource | null
  onSource: (source: KeySource | null) => void
}) {
  const { t } = useText()
  const [text, setText] = useState('')
  const [isOver, setIsOver] = useState(false)
  const takeFile = (file: File | undefined): void => {
    if (file !== undefined) void sourceOfFile(file).then(onSource)
  }
  const onDrop = (event: DragEvent): void => {
    setIsOver(false)
    if (event.dataTransfer.files.length === 0) return
    event.preventDefault()
    takeFile(event.dataTransfer.files[0])
  }
  if (source !== null && source.name !== null)
    return (
      <FileCard
        name={source.name}
        size={source.body.size}
        onRemove={() => {
          setText('')
          onSource(null)
        }}
      />
    )
  return (
    <Field
      label={t('keys.keys')}
      hint={`${t('keys.pasteHint')} ${t('keys.fileHint')}`}
      aside={<FileButton onFile={takeFile} />}
    >
      {(control) => (
        <TextArea
          {...control}
          autoFocus
          rows={6}
          value={text}
          onChange={(event) => {
            setText(event.target.value)
            onSource(event.target.value.trim() === '' ? null : sourceOfText(event.target.value))
          }}
          onDrop={onDrop}
          onDragOver={() => setIsOver(true)}
          onDragLeave={() => setIsOver(false)}
          className={`font-mono text-[13px] ${isOver ? 'border-accent! bg-accent-soft!' : ''}`}
          placeholder={t('keys.pasteOrDrop')}
        />
      )}
    </Field>
  )
}

function FileCard({ name, size, onRemove }: { name: string; size: number; onRemove: () => void }) {
  const { t, format } = useText()
  return (
    <div className="flex items-center gap-3 rounded-lg border border-line-strong bg-sunken px-3 py-2.5">
      <FileText aria-hidden className="size-5 text-ink-faint" />
      <span className="min-w-0 flex-1">
        <span className="block truncate font-medium">{name}</span>
        <span className="figures block text-[13px] text-ink-faint">{format.bytes(size)}</span>
      </span>
      <IconButton label={t('keys.removeFile')} onClick={onRemove}>
        <X aria-hidden className="size-4" />
      </IconButton>
    </div>
  )
}

function FileButton({ onFile }: { onFile: (file: File | undefined) => void }) {
  const { t } = useText()
  const input = useRef<HTMLInputElement>(null)
  return (
    <>
      <input
        ref={input}
        type="file"
        accept=".txt,.csv,.json,.jsonl,.ndjson,text/plain,text/csv"
        aria-label={t('keys.chooseFile')}
        hidden
        onChange={(event) => onFile(event.target.files?.[0])}
      />
      <Button kind="quiet" size="small" onClick={() => input.current?.click()}>
        <Upload aria-hidden className="size-3.5" />
        {t('keys.chooseFile')}
      </Button>
    </>
  )
}
