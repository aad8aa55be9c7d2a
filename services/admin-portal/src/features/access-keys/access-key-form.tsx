'use client'

import { zodResolver } from '@hookform/resolvers/zod'
import { accessKeyLimitNames, type AccessKeyLimitName } from '@gpt-load/contracts/access-key-limits'
import { accessKeyLimitsShape } from '@gpt-load/contracts/access-key-limits-schema'
import type { AccessKey } from '@gpt-load/contracts/api/access-key'
import { accessKeyCreateSchema } from '@gpt-load/contracts/api/access-key'
import type { Group } from '@gpt-load/contracts/api/group'
import { useId, useState } from 'react'
import { Controller, useForm, type Control, type UseFormReturn } from 'react-hook-form'
import { toast } from 'sonner'
import { z } from 'zod'
import { ownerOfField } from '../groups/file-owner.ts'
import { ManagedTag, ManagedWarning, useManagedField } from '../groups/managed-field.tsx'
import { api, useChange } from '../../client/api.ts'
import { showFieldErrors } from '../../client/form-errors.ts'
import { useText } from '../../i18n/locale.tsx'
import { FormDialog } from '../../ui/form-dialog.tsx'
import { Field, TextInput } from '../../ui/field.tsx'
import { SecretOnce } from '../../ui/secret-once.tsx'
import { describeError } from '../../ui/states.tsx'
import { Tick, Toggle } from '../../ui/toggle.tsx'

/** The contract's own fields; `expires` is the browser's local time of `expires_at`, limits are as they are typed. */
const { name, all_groups, group_ids, note } = accessKeyCreateSchema.shape
const schema = z.object({
  name,
  all_groups,
  group_ids,
  note,
  expires: z.string(),
  max_concurrent_requests: typedLimit('max_concurrent_requests'),
  max_requests_per_minute: typedLimit('max_requests_per_minute'),
  max_tokens_per_minute: typedLimit('max_tokens_per_minute'),
})
type Values = z.input<typeof schema>
type Parsed = z.output<typeof schema>

export function AccessKeyForm(props: { item?: AccessKey; groups: readonly Group[]; onClose: () => void }) {
  const { t } = useText()
  const { item, groups, onClose } = props
  const managed = useManagedField(item)
  const [token, setToken] = useState<string | null>(null)
  const form = useForm<Values, unknown, Parsed>({ resolver: zodResolver(schema), defaultValues: valuesOf(item) })
  const { errors, isDirty, dirtyFields } = form.formState
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
      <Field
        label={t('accessKeys.name')}
        hint={t('accessKeys.nameHint')}
        error={errors.name?.message}
        {...managed('name', dirtyFields.name)}
      >
        {(control) => <TextInput {...control} {...form.register('name')} autoFocus />}
      </Field>
      <GroupChoice
        control={form.control}
        groups={groups}
        isAll={form.watch('all_groups') === true}
        owner={item === undefined ? null : ownerOfField(item, 'groups')}
        isChanged={isGroupChoiceChanged(item, form.watch())}
      />
      <Limits form={form} managed={managed} />
      <div className="grid gap-4 sm:grid-cols-2">
        <Field
          label={t('accessKeys.expiresAt')}
          hint={t('accessKeys.expiresHint')}
          error={errors.expires?.message}
          {...managed('expires_at', dirtyFields.expires)}
        >
          {(control) => <TextInput {...control} type="datetime-local" {...form.register('expires')} />}
        </Field>
        <Field label={t('keys.note')} error={errors.note?.message} {...managed('note', dirtyFields.note)}>
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
  owner,
  isChanged,
}: {
  control: Control<Values, unknown, Parsed>
  groups: readonly Group[]
  isAll: boolean
  owner: string | null
  isChanged: boolean
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
            <span aria-hidden className="mr-auto shrink-0">
              {t('accessKeys.allGroups')}
            </span>
            <ManagedTag owner={owner} />
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
      {isChanged && <ManagedWarning owner={owner} />}
    </fieldset>
  )
}

function Limits({
  form,
  managed,
}: {
  form: UseFormReturn<Values, unknown, Parsed>
  managed: ReturnType<typeof useManagedField>
}) {
  const { t, format } = useText()
  const hintId = useId()
  const { errors, dirtyFields } = form.formState
  const isMarked = accessKeyLimitNames.some((limit) => managed(limit, false).aside !== undefined)
  return (
    <fieldset aria-describedby={hintId} className="grid gap-2">
      <legend className="mb-1 font-medium">{t('accessKeys.limits')}</legend>
      {/* A mark needs room beside its label. */}
      <div className={`grid gap-4 ${isMarked ? 'sm:grid-cols-2' : 'sm:grid-cols-3'}`}>
        {accessKeyLimitNames.map((limit) => (
          <Field
            key={limit}
            label={t(`accessKeys.limit.${limit}`)}
            error={
              errors[limit] === undefined
                ? undefined
                : t('settings.range', { min: 0, max: format.number(accessKeyLimitsShape[limit].maxValue ?? 0) })
            }
            {...managed(limit, dirtyFields[limit])}
          >
            {(control) => <TextInput {...control} inputMode="numeric" {...form.register(limit)} className="figures" />}
          </Field>
        ))}
      </div>
      <p id={hintId} className="text-[13px] text-ink-faint">
        {t('accessKeys.limitsHint')}
      </p>
    </fieldset>
  )
}

/** @returns the token of a new key */
async function store(values: Parsed, item: AccessKey | undefined): Promise<string | null> {
  const { expires, note, ...fields } = values
  const body = {
    ...fields,
    group_ids: fields.all_groups ? [] : fields.group_ids,
    expires_at: instantOf(expires, item),
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

/** The input knows minutes only: what was not changed keeps its seconds. */
function instantOf(expires: string, item: AccessKey | undefined): string | null {
  if (item !== undefined && expires === valuesOf(item).expires) return item.expires_at
  return expires === '' ? null : new Date(expires).toISOString()
}

function valuesOf(item: AccessKey | undefined): Values {
  const limits = {
    max_concurrent_requests: limitText(item?.max_concurrent_requests),
    max_requests_per_minute: limitText(item?.max_requests_per_minute),
    max_tokens_per_minute: limitText(item?.max_tokens_per_minute),
  }
  if (item === undefined) return { name: '', all_groups: true, group_ids: [], note: '', expires: '', ...limits }
  const { name, all_groups, group_ids, note, expires_at } = item
  return { name, all_groups, group_ids, note, expires: expires_at === null ? '' : localText(expires_at), ...limits }
}

function limitText(limit = 0): string {
  return limit === 0 ? '' : String(limit)
}

/** Empty: no limit. */
function typedLimit(limit: AccessKeyLimitName) {
  return z
    .string()
    .transform((text) => Number(text))
    .pipe(accessKeyLimitsShape[limit])
}

/** As sets: one that is unticked and ticked again is where it was. */
function isGroupChoiceChanged(
  item: AccessKey | undefined,
  { all_groups: isAll, group_ids: ids = [] }: Values,
): boolean {
  if (item === undefined) return false
  const stored = new Set(item.group_ids)
  return isAll !== item.all_groups || ids.length !== stored.size || ids.some((id) => !stored.has(id))
}

/** As `datetime-local` wants it. */
function localText(instant: string): string {
  const date = new Date(instant)
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16)
}
