'use client'

import { zodResolver } from '@hookform/resolvers/zod'
import { groupCopySchema, type Group } from '@gpt-load/contracts/api/group'
import { useRouter } from 'next/navigation'
import { useForm } from 'react-hook-form'
import { toast } from 'sonner'
import type { z } from 'zod'
import { api, useChange } from '../../client/api.ts'
import { showFieldErrors } from '../../client/form-errors.ts'
import { useText } from '../../i18n/locale.tsx'
import { groupHref } from '../../shell/navigation.ts'
import { FormDialog } from '../../ui/form-dialog.tsx'
import { Field, Select, TextInput } from '../../ui/field.tsx'
import { describeError } from '../../ui/states.tsx'

export function CopyGroup({ group, onClose }: { group: Group; onClose: () => void }) {
  const { t } = useText()
  const router = useRouter()
  const form = useForm<z.input<typeof groupCopySchema>, unknown, z.output<typeof groupCopySchema>>({
    resolver: zodResolver(groupCopySchema),
    defaultValues: { name: `${group.name}-copy`.slice(0, 100), keys: 'none' },
  })
  const { errors, isDirty } = form.formState
  const copy = useChange(
    (body: z.output<typeof groupCopySchema>) =>
      api('POST /api/v1/groups/{id}/copy', { params: { id: group.id }, revision: group.revision, body }),
    {
      onDone: ({ data }) => {
        onClose()
        router.push(groupHref(data.id))
      },
      onFailed: (error) => {
        if (!showFieldErrors(error, form.setError, ['name'])) toast.error(describeError(error, t))
      },
    },
  )
  return (
    <FormDialog
      title={t('groups.copy')}
      isDirty={isDirty}
      onClose={onClose}
      width="max-w-md"
      submit={t('groups.copy')}
      isBusy={copy.isPending}
      onSubmit={() => void form.handleSubmit((values) => copy.mutate(values))()}
    >
      <Field label={t('groups.name')} hint={t('groups.nameHint')} error={errors.name?.message}>
        {(control) => <TextInput {...control} {...form.register('name')} autoFocus className="font-mono" />}
      </Field>
      {group.kind === 'standard' && (
        <Field label={t('keys.keys')}>
          {(control) => (
            <Select {...control} {...form.register('keys')}>
              <option value="none">{t('groups.copyNone')}</option>
              <option value="all">{t('groups.copyAll')}</option>
            </Select>
          )}
        </Field>
      )}
    </FormDialog>
  )
}
