'use client'

import { useState } from 'react'
import { useText } from '../i18n/locale.tsx'
import { Field, TextInput } from './field.tsx'
import { FormDialog } from './form-dialog.tsx'

/** For what cannot be taken back: the name has to be typed. */
export function ConfirmByName(props: {
  title: string
  description: string
  name: string
  action: string
  isBusy: boolean
  onConfirm: () => void
  onClose: () => void
}) {
  const { t } = useText()
  const [typed, setTyped] = useState('')
  return (
    <FormDialog
      title={props.title}
      description={props.description}
      submit={props.action}
      canSubmit={typed.trim() === props.name}
      kind="danger"
      isBusy={props.isBusy}
      width="max-w-md"
      onSubmit={props.onConfirm}
      onClose={props.onClose}
    >
      <Field label={t('confirm.type', { name: props.name })}>
        {(control) => (
          <TextInput
            {...control}
            value={typed}
            onChange={(event) => setTyped(event.target.value)}
            className="font-mono"
          />
        )}
      </Field>
    </FormDialog>
  )
}
