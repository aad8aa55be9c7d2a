'use client'

import { useId, type ReactNode } from 'react'
import { useText } from '../i18n/locale.tsx'
import { Button } from './button.tsx'
import { Dialog } from './dialog.tsx'

/** A dialog that asks for something: its fields, Cancel, and the button that Enter presses, too. Checks are the fields' own. */
export function FormDialog(props: {
  title: string
  description?: ReactNode
  /** Text of the button. */
  submit: string
  canSubmit?: boolean
  kind?: 'primary' | 'danger'
  isBusy?: boolean
  isDirty?: boolean
  width?: string
  onSubmit: () => void
  onClose: () => void
  children: ReactNode
}) {
  const { t } = useText()
  const id = useId()
  const { submit, canSubmit = true, kind = 'primary', isBusy = false, onSubmit, children, ...dialog } = props
  return (
    <Dialog
      {...dialog}
      footer={
        <>
          <Button onClick={props.onClose}>{t('common.cancel')}</Button>
          <Button kind={kind} type="submit" form={id} disabled={!canSubmit} isBusy={isBusy}>
            {submit}
          </Button>
        </>
      }
    >
      <form
        id={id}
        noValidate
        className="grid gap-4"
        onSubmit={(event) => {
          event.preventDefault()
          if (canSubmit) onSubmit()
        }}
      >
        {children}
      </form>
    </Dialog>
  )
}
