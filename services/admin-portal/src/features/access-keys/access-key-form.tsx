'use client'

import { zodResolver } from '@hookform/resolvers/zod'
import type { AccessKey } from '@gpt-load/contracts/api/access-key'
import { accessKeyCreateSchema } from '@gpt-load/contracts/api/access-key'
import type { Group } from '@gpt-load/contracts/api/group'
import { useState } from 'react'
import { Controller, useForm, type Control } from 'react-hook-form'
import { toast } from 'sonner'
import { z } from 'zod'
import { fileOwnerOf } from '../groups/file-owner.ts'
import { api, useChange } from '../../client/api.ts'
import { showFieldErrors } from '../../client/form-errors.ts'
import { useText } from '../../i18n/locale.tsx'
import { FormDialog } from '../../ui/form-dialog.tsx'
import { Field, TextInput } from '../../ui/field.tsx'
import { SecretOnce } from '../../ui/secret-once.tsx'
import { describeError } from '../../ui/states.tsx'
import { Tick, Toggle } from '../../ui/toggle.tsx'

/** The contract's own fields; `expires` is the browser's local time of `expires_at`. */
const { name, all_groups, group_ids, note } = accessKeyCreateSchema.shape
const schema = z.object({ name, all_groups, group_ids, note, expires: z.string() })
type Values = z.input<typeof schema>
type Parsed = z.output<typeof schema>

export function AccessKeyForm(props: { item?: AccessKey; groups: readonly Group[]; onClose: () => void }) {
  const { t } = useText()
  const { item, groups, onClose } = props
  const owner = item === undefined ? null : fileOwnerOf(item)
  const [token, setToken] = useState<string | null>(null)
  const form = useForm<Values, unknown, Parsed>({ resolver: zodResolver(schema), defaultValues: valuesOf(item) })
  const { errors, isDirty } = form.formState
  const save = useChange((values: Parsed) => store(values, item), {
    onDone: (created) => {
      if (created !== null) return setToken(created)
      toast.success(t('common.saved'))
      onClose()
    },
    onFailed: (error) => {
      if (!showFieldErrors(error, form.setError, Object.keys(schema.shape))) toast.error(describeError(error, t))
    },
  })
  if (token !== null)
    return (
      <SecretOnce
        title={t('accessKeys.created.title')}
        secret={token}
        copyLabel={t('copy.accessKey')}
        onClose={onClose}
      />
    )
  return (
    <FormDialog
      title={item === undefined ? t('accessKeys.create') : t('accessKeys.edit', { name: item.name })}
      isDirty={isDirty}
      onClose={onClose}
      submit={item === undefined ? t('accessKeys.create') : t('common.save')}
      isBusy={save.isPending}
      onSubmit={() => void form.handleSubmit((values) => save.mutate(values))()}
    >
      {owner !== null && (
        <p role="note" className="rounded-lg bg-warn-soft px-3 py-2 text-warn">
          {t('managed.setting', { owner })}
        </p>
      )}
      <Field label={t('accessKeys.name')} hint={t('accessKeys.nameHint')} error={errors.name?.message}>
        {(control) => <TextInput {...control} {...form.register('name')} autoFocus />}
      </Field>
      <GroupChoice control={form.control} groups={groups} isAll={form.watch('all_groups') === true} />
      <div className="grid gap-4 sm:grid-cols-2">
        <Field label={t('accessKeys.expiresAt')} hint={t('accessKeys.expiresHint')} error={errors.expires?.message}>
          {(control) => <TextInput {...control} type="datetime-local" {...form.register('expires')} />}
        </Field>
        <Field label={t('keys.note')} error={errors.note?.message}>
          {(control) => <TextInput {...control} {...form.register('note')} />}
        </Field>
      </div>
    </FormDialog>
  )
}

function GroupChoice({
  control,
  groups,
  isAll,
}: {
  control: Control<Values, unknown, Parsed>
  groups: readonly Group[]
  isAll: boolean
}) {
  const { t } = useText()
  return (
    <fieldset className="grid gap-2">
      <legend className="mb-1 font-medium">{t('accessKeys.opens')}</legend>
      <Controller
        control={control}
        name="all_groups"
        render={({ field }) => (
          <div className="flex items-center gap-2">
            <Toggle label={t('accessKeys.allGroups')} isOn={field.value === true} onChange={field.onChange} />
            <span aria-hidden>{t('accessKeys.allGroups')}</span>
          </div>
        )}
      />
      {!isAll && (
        <Controller
          control={control}
          name="group_ids"
          render={({ field }) => {
            const chosen = field.value ?? []
            return (
              <ul className="quiet-scroll grid max-h-44 gap-px overflow-y-auto rounded-md border border-line p-1 sm:grid-cols-2">
                {groups.map(({ id, name }) => (
                  <li key={id} className="flex h-8 items-center gap-2 rounded px-2 hover:bg-sunken">
                    <Tick
                      label={name}
                      isOn={chosen.includes(id)}
                      onChange={(isOn) => field.onChange(isOn ? [...chosen, id] : chosen.filter((each) => each !== id))}
                    />
                    <span aria-hidden className="truncate font-mono text-[13px]">
                      {name}
                    </span>
                  </li>
                ))}
              </ul>
            )
          }}
        />
      )}
    </fieldset>
  )
}

/** @returns the token of a new key */
async function store(values: Parsed, item: AccessKey | undefined): Promise<string | null> {
  const { expires, note, ...fields } = values
  const body = {
    ...fields,
    group_ids: fields.all_groups ? [] : fields.group_ids,
    expires_at: expires === '' ? null : new Date(expires).toISOString(),
  }
  if (item === undefined)
    return (await api('POST /api/v1/access-keys', { body: { ...body, ...(note === undefined ? {} : { note }) } })).data
      .key
  await api('PATCH /api/v1/access-keys/{id}', {
    params: { id: item.id },
    revision: item.revision,
    body: { ...body, note: note ?? null },
  })
  return null
}

function valuesOf(item: AccessKey | undefined): Values {
  if (item === undefined) return { name: '', all_groups: true, group_ids: [], note: '', expires: '' }
  const { name, all_groups, group_ids, note, expires_at } = item
  return { name, all_groups, group_ids, note, expires: expires_at === null ? '' : localText(expires_at) }
}

/** As `datetime-local` wants it. */
function localText(instant: string): string {
  const date = new Date(instant)
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16)
}
