'use client'

import { useState } from 'react'
import { useText } from '../../i18n/locale.tsx'
import { ConfirmByName } from '../../ui/confirm-by-name.tsx'
import { Field, TextInput } from '../../ui/field.tsx'
import { FormDialog } from '../../ui/form-dialog.tsx'
import type { Disabling } from './key-actions.ts'

/** With a reason, and until when: whoever finds the key off later knows both. */
export function DisableKeys(props: {
  count: string
  isBusy: boolean
  onConfirm: (disabling: Disabling) => void
  onClose: () => void
}) {
  const { t } = useText()
  const [note, setNote] = useState('')
  const [until, setUntil] = useState('')
  return (
    <FormDialog
      title={t('keys.disableTitle', { count: props.count })}
      isDirty={note !== '' || until !== ''}
      onClose={props.onClose}
      width="max-w-md"
      submit={t('keys.action.disable')}
      isBusy={props.isBusy}
      onSubmit={() => {
        props.onConfirm({
          note: note.trim() === '' ? undefined : note.trim(),
          until: until === '' ? undefined : new Date(until).toISOString(),
        })
      }}
    >
      <Field label={t('keys.disableNote')}>
        {(control) => (
          <TextInput
            {...control}
            autoFocus
            maxLength={255}
            value={note}
            onChange={(event) => setNote(event.target.value)}
          />
        )}
      </Field>
      <Field label={t('keys.disableUntil')} hint={t('keys.disableUntilHint')}>
        {(control) => (
          <TextInput
            {...control}
            type="datetime-local"
            value={until}
            onChange={(event) => setUntil(event.target.value)}
          />
        )}
      </Field>
    </FormDialog>
  )
}

/** One key is confirmed by its hint, many by the group's name. */
export function DeleteKeys(props: {
  count: string
  name: string
  isBusy: boolean
  onConfirm: () => void
  onClose: () => void
}) {
  const { t } = useText()
  return (
    <ConfirmByName
      title={t('keys.deleteTitle', { count: props.count })}
      description={t('keys.deleteText')}
      name={props.name}
      action={t('keys.action.delete')}
      isBusy={props.isBusy}
      onConfirm={props.onConfirm}
      onClose={props.onClose}
    />
  )
}
