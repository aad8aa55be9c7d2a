'use client'

import { isTaskOver } from '@gpt-load/contracts/task-state'
import type { Group } from '@gpt-load/contracts/api/group'
import { useState } from 'react'
import { toast } from 'sonner'
import { useApi, useChange } from '../../client/api.ts'
import { useText } from '../../i18n/locale.tsx'
import { Button } from '../../ui/button.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { FormDialog } from '../../ui/form-dialog.tsx'
import { Field, TextInput } from '../../ui/field.tsx'
import { ProgressBar } from '../../ui/progress-bar.tsx'
import { describeError } from '../../ui/states.tsx'
import { TaskReport } from '../tasks/task-report.tsx'
import { dismissTask, startImport, useKnownTasks } from '../tasks/task-store.ts'
import { refreshOf } from '../tasks/task-text.ts'
import { ImportPreview } from './import-preview.tsx'
import { ImportSource } from './import-source.tsx'
import type { KeySource } from './key-source.ts'
import { useImportPreview } from './use-import-preview.ts'

/** Choose, look, import; then the report, which the tray keeps when this is closed before the end. */
export function ImportKeys({ group, onClose }: { group: Group; onClose: () => void }) {
  const { t } = useText()
  const [taskId, setTaskId] = useState<number | null>(null)
  const start = useChange(
    ({ source: { type, body }, note }: { source: KeySource; note: string }) =>
      startImport({ groupId: group.id, type, body, note }),
    {
      onDone: ({ id }) => setTaskId(id),
      onFailed: (error) => {
        // Whoever cancelled it knows.
        if (!(error instanceof DOMException && error.name === 'AbortError')) toast.error(describeError(error, t))
      },
    },
  )
  if (taskId !== null) return <ImportResult id={taskId} onClose={onClose} />
  if (start.isPending) return <Uploading groupId={group.id} onClose={onClose} />
  return <ImportForm group={group} onImport={(source, note) => start.mutate({ source, note })} onClose={onClose} />
}

function ImportForm(props: { group: Group; onImport: (source: KeySource, note: string) => void; onClose: () => void }) {
  const { t, format } = useText()
  const { group, onClose } = props
  const [source, setSource] = useState<KeySource | null>(null)
  const [note, setNote] = useState('')
  const { preview, inGroup, isReading, isUnreadable } = useImportPreview(source, group.id)
  const different = preview?.different ?? 0
  return (
    <FormDialog
      title={t('keys.import')}
      description={t('keys.addAbout', { group: group.name })}
      isDirty={source !== null}
      onClose={onClose}
      submit={
        different === 0 || isReading || preview?.isPart === true
          ? t('keys.import')
          : t('keys.importCount', { count: format.number(inGroup?.new ?? different) })
      }
      canSubmit={source !== null && !isUnreadable && (different > 0 || isReading) && inGroup?.new !== 0}
      onSubmit={() => {
        if (source !== null) props.onImport(source, note.trim())
      }}
    >
      <ImportSource source={source} onSource={setSource} />
      {isUnreadable && (
        <p role="alert" className="text-bad">
          {t('keys.previewUnreadable')}
        </p>
      )}
      {source !== null && preview !== null && <ImportPreview {...{ source, preview, inGroup, isReading }} />}
      <Field label={t('keys.note')} hint={t('keys.noteHint')}>
        {(control) => (
          <TextInput {...control} maxLength={255} value={note} onChange={(event) => setNote(event.target.value)} />
        )}
      </Field>
    </FormDialog>
  )
}

function Uploading({ groupId, onClose }: { groupId: number; onClose: () => void }) {
  const { t, format } = useText()
  const upload = useKnownTasks().uploads.findLast((each) => each.groupId === groupId)
  const [sent, total] = [upload?.sentBytes ?? 0, upload?.totalBytes ?? 0]
  return (
    <Dialog
      title={t('keys.importRunning')}
      onClose={onClose}
      footer={
        <>
          <Button onClick={upload?.cancel}>{t('common.cancel')}</Button>
          <Button kind="primary" onClick={onClose}>
            {t('keys.importBackground')}
          </Button>
        </>
      }
    >
      <div role="status" className="grid gap-2">
        <p className="flex justify-between gap-3">
          {t('tasks.uploading')}
          <span className="figures text-ink-faint">
            {t('tasks.of', { done: format.bytes(sent), total: format.bytes(total) })}
          </span>
        </p>
        <ProgressBar label={t('tasks.uploading')} share={total === 0 ? null : sent / total} />
      </div>
    </Dialog>
  )
}

function ImportResult({ id, onClose }: { id: number; onClose: () => void }) {
  const { t } = useText()
  const { data: task } = useApi('GET /api/v1/tasks/{id}', { params: { id } }, { refreshMs: refreshOf })
  const hasEnded = task !== undefined && isTaskOver(task)
  const close = (): void => {
    // Its end was seen here.
    if (hasEnded) dismissTask(id)
    onClose()
  }
  return (
    <Dialog
      title={t(hasEnded ? 'keys.importEnded' : 'keys.importRunning')}
      onClose={close}
      footer={
        <Button kind="primary" onClick={close} autoFocus>
          {t(hasEnded ? 'common.done' : 'keys.importBackground')}
        </Button>
      }
    >
      {task !== undefined && <TaskReport task={task} />}
    </Dialog>
  )
}
