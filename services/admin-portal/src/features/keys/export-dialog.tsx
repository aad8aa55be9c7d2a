'use client'

import type { Group } from '@gpt-load/contracts/api/group'
import { maxExportIds, type KeyExportContent } from '@gpt-load/contracts/api/task'
import { useState } from 'react'
import { toast } from 'sonner'
import { useChange } from '../../client/api.ts'
import { useSession } from '../../client/session.ts'
import { useText } from '../../i18n/locale.tsx'
import { FormDialog } from '../../ui/form-dialog.tsx'
import { Field, Select } from '../../ui/field.tsx'
import { describeError } from '../../ui/states.tsx'
import { Tick } from '../../ui/toggle.tsx'
import type { ChosenKeys } from './bulk-actions.ts'
import { exportKeys } from './export-keys.ts'

/**
 * Masked by default; in clear only for who may, and after saying so once more. Many keys are a task, whose file is kept for whoever
 * may see keys in clear; the others get theirs at once.
 */
export function ExportDialog(props: {
  group: Group
  chosen: ChosenKeys
  count: string
  isBusy: boolean
  onStart: (content: KeyExportContent) => void
  onClose: () => void
}) {
  const { t } = useText()
  const { group, chosen, count, onClose } = props
  const canSeeSecrets = useSession().data?.scopes.includes('secrets:read') === true
  const [isClear, setIsClear] = useState(false)
  const [isPlain, setIsPlain] = useState(false)
  const [isSure, setIsSure] = useState(false)
  const isTask = canSeeSecrets && ('filter' in chosen || chosen.ids.length > maxExportIds)
  const download = useChange(() => exportKeys(group.id, group.name, chosen, { isClear, isPlain: isClear && isPlain }), {
    onDone: onClose,
    onFailed: (error) => toast.error(describeError(error, t)),
  })
  return (
    <FormDialog
      title={t('keys.exportTitle', { count })}
      description={t(isTask ? 'keys.exportTaskText' : 'keys.exportText')}
      onClose={onClose}
      width="max-w-md"
      submit={t(isTask ? 'keys.exportStart' : 'keys.exportDo')}
      canSubmit={!isClear || (canSeeSecrets && isSure)}
      isBusy={props.isBusy || download.isPending}
      onSubmit={() => {
        if (isTask) props.onStart(isClear ? (isPlain ? 'plain' : 'clear') : 'masked')
        else download.mutate(undefined)
      }}
    >
      <Field label={t('keys.exportContent')} error={isClear && !canSeeSecrets ? t('keys.exportNoScope') : undefined}>
        {(control) => (
          <Select
            {...control}
            value={isClear ? 'clear' : 'masked'}
            onChange={(event) => setIsClear(event.target.value === 'clear')}
          >
            <option value="masked">{t('keys.exportMasked')}</option>
            <option value="clear">{t('keys.exportClear')}</option>
          </Select>
        )}
      </Field>
      {isClear && canSeeSecrets && (
        <>
          <Field label={t('keys.exportFormat')}>
            {(control) => (
              <Select
                {...control}
                value={isPlain ? 'plain' : 'json'}
                onChange={(event) => setIsPlain(event.target.value === 'plain')}
              >
                <option value="json">{t('keys.exportJsonLines')}</option>
                <option value="plain">{t('keys.exportPlain')}</option>
              </Select>
            )}
          </Field>
          <div className="grid gap-2 rounded-lg bg-warn-soft px-3 py-2.5">
            <p className="text-warn">{t('keys.exportWarning')}</p>
            <div className="flex items-center gap-2">
              <Tick label={t('keys.exportConfirm')} isOn={isSure} onChange={setIsSure} />
              <span aria-hidden>{t('keys.exportConfirm')}</span>
            </div>
          </div>
        </>
      )}
    </FormDialog>
  )
}
