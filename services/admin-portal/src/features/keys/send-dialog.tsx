'use client'

import type { Group } from '@gpt-load/contracts/api/group'
import { useState } from 'react'
import { useApi } from '../../client/api.ts'
import { useText } from '../../i18n/locale.tsx'
import { FormDialog } from '../../ui/form-dialog.tsx'
import { Field, Select } from '../../ui/field.tsx'

type Sending = { action: 'copy' | 'move'; toGroupId: number }

/** Keys into another group, with or without leaving this one. */
export function SendDialog(props: {
  group: Group
  count: string
  isBusy: boolean
  onConfirm: (sending: Sending) => void
  onClose: () => void
}) {
  const { t } = useText()
  const { group, onClose } = props
  const groups = useApi('GET /api/v1/groups', { query: { kind: 'standard', limit: 1_000 } })
  const others = groups.data?.items.filter(({ id }) => id !== group.id) ?? []
  const [action, setAction] = useState<Sending['action']>('copy')
  const [chosen, setChosen] = useState<number | null>(null)
  const toGroupId = chosen ?? others[0]?.id
  return (
    <FormDialog
      title={t('keys.sendTitle', { count: props.count })}
      description={t('keys.sendText')}
      onClose={onClose}
      width="max-w-md"
      submit={t(`tasks.kind.${action}`)}
      canSubmit={toGroupId !== undefined}
      isBusy={props.isBusy}
      onSubmit={() => {
        if (toGroupId !== undefined) props.onConfirm({ action, toGroupId })
      }}
    >
      <Field
        label={t('keys.sendTo')}
        error={groups.data !== undefined && others.length === 0 ? t('keys.sendNoGroup') : undefined}
      >
        {(control) => (
          <Select
            {...control}
            value={toGroupId ?? ''}
            disabled={others.length === 0}
            onChange={(event) => setChosen(Number(event.target.value))}
          >
            {others.map(({ id, name }) => (
              <option key={id} value={id}>
                {name}
              </option>
            ))}
          </Select>
        )}
      </Field>
      <Field label={t('keys.sendWhat')}>
        {(control) => (
          <Select
            {...control}
            value={action}
            onChange={(event) => setAction(event.target.value === 'move' ? 'move' : 'copy')}
          >
            <option value="copy">{t('keys.sendCopy')}</option>
            <option value="move">{t('keys.sendMove')}</option>
          </Select>
        )}
      </Field>
    </FormDialog>
  )
}
