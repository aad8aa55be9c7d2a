'use client'

import { zodResolver } from '@hookform/resolvers/zod'
import { adminTokenCreateSchema } from '@gpt-load/contracts/api/admin-token'
import { scopes, type Scope } from '@gpt-load/contracts/api/endpoint'
import { useState } from 'react'
import { Controller, useForm } from 'react-hook-form'
import { toast } from 'sonner'
import { z } from 'zod'
import { api, useChange } from '../../client/api.ts'
import { showFieldErrors } from '../../client/form-errors.ts'
import { useSession } from '../../client/session.ts'
import { useText } from '../../i18n/locale.tsx'
import { FormDialog } from '../../ui/form-dialog.tsx'
import { Field, TextInput } from '../../ui/field.tsx'
import { SecretOnce } from '../../ui/secret-once.tsx'
import { describeError } from '../../ui/states.tsx'
import { Tick } from '../../ui/toggle.tsx'

/** `expires` is the browser's local time of `expires_at`. */
const { name, scopes: scopeList } = adminTokenCreateSchema.shape
const schema = z.object({ name, scopes: scopeList, expires: z.string() })
type Values = z.input<typeof schema>

export function TokenForm({ onClose }: { onClose: () => void }) {
  const { t } = useText()
  const [token, setToken] = useState<string | null>(null)
  const form = useForm<Values, unknown, z.output<typeof schema>>({
    resolver: zodResolver(schema),
    defaultValues: { name: '', scopes: ['read'], expires: '' },
  })
  const { errors, isDirty } = form.formState
  const create = useChange(
    ({ expires, ...fields }: Values) =>
      api('POST /api/v1/admin-tokens', {
        body: { ...fields, expires_at: expires === '' ? null : new Date(expires).toISOString() },
      }),
    {
      onDone: ({ data }) => setToken(data.token),
      onFailed: (error) => {
        if (!showFieldErrors(error, form.setError, Object.keys(schema.shape))) toast.error(describeError(error, t))
      },
    },
  )
  if (token !== null)
    return (
      <SecretOnce title={t('tokens.created.title')} secret={token} copyLabel={t('tokens.copy')} onClose={onClose} />
    )
  return (
    <FormDialog
      title={t('tokens.create')}
      isDirty={isDirty}
      onClose={onClose}
      width="max-w-md"
      submit={t('tokens.create')}
      isBusy={create.isPending}
      onSubmit={() => void form.handleSubmit((values) => create.mutate(values))()}
    >
      <Field label={t('tokens.name')} hint={t('tokens.nameHint')} error={errors.name?.message}>
        {(control) => <TextInput {...control} {...form.register('name')} autoFocus />}
      </Field>
      <Controller
        control={form.control}
        name="scopes"
        render={({ field }) => (
          <ScopeChoice
            chosen={field.value}
            onChange={field.onChange}
            error={errors.scopes === undefined ? undefined : t('tokens.scopesMissing')}
          />
        )}
      />
      <Field label={t('tokens.expiresAt')} hint={t('accessKeys.expiresHint')} error={errors.expires?.message}>
        {(control) => <TextInput {...control} type="datetime-local" {...form.register('expires')} />}
      </Field>
    </FormDialog>
  )
}

/** Nobody can give more than they have. */
function ScopeChoice(props: {
  chosen: readonly Scope[]
  onChange: (scopes: Scope[]) => void
  error: string | undefined
}) {
  const { t } = useText()
  const own = useSession().data?.scopes ?? []
  const { chosen, onChange, error } = props
  return (
    <fieldset className="grid gap-1">
      <legend className="mb-1 font-medium">{t('tokens.scopes')}</legend>
      {scopes
        .filter((scope) => own.includes(scope))
        .map((scope) => (
          <div key={scope} className="flex items-start gap-2.5 rounded-md py-1">
            <span className="mt-0.5">
              <Tick
                label={t(`tokens.scope.${scope}`)}
                isOn={chosen.includes(scope)}
                onChange={(isOn) => onChange(isOn ? [...chosen, scope] : chosen.filter((each) => each !== scope))}
              />
            </span>
            <span>
              <span aria-hidden>{t(`tokens.scope.${scope}`)}</span>
              <span className="block text-[13px] text-ink-faint">{t(`tokens.scope.${scope}About`)}</span>
            </span>
          </div>
        ))}
      {error !== undefined && (
        <p role="alert" className="text-[13px] text-bad">
          {error}
        </p>
      )}
    </fieldset>
  )
}
