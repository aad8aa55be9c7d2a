'use client'

import { zodResolver } from '@hookform/resolvers/zod'
import { priceInputSchema } from '@gpt-load/contracts/api/price'
import { priceProviders } from '@gpt-load/contracts/model-prices'
import { useForm } from 'react-hook-form'
import { toast } from 'sonner'
import type { z } from 'zod'
import { api, useChange } from '../../client/api.ts'
import { showFieldErrors } from '../../client/form-errors.ts'
import { useText } from '../../i18n/locale.tsx'
import { Field, Select, TextInput } from '../../ui/field.tsx'
import { FormDialog } from '../../ui/form-dialog.tsx'
import { describeError } from '../../ui/states.tsx'

type Values = z.input<typeof priceInputSchema>
type Parsed = z.output<typeof priceInputSchema>

/** Empty is no number: the field says so rather than taking it for nothing. */
const toNumber = (text: unknown): number => (String(text ?? '').trim() === '' ? Number.NaN : Number(text))
const toNumberOrNull = (text: unknown): number | null => (String(text ?? '').trim() === '' ? null : Number(text))

export function PriceForm({ onClose }: { onClose: () => void }) {
  const { t } = useText()
  const form = useForm<Values, unknown, Parsed>({
    resolver: zodResolver(priceInputSchema),
    defaultValues: { provider: 'openai', model: '', effective_from: new Date().toISOString().slice(0, 10) },
  })
  const { errors, isDirty } = form.formState
  const create = useChange((body: Parsed) => api('POST /api/v1/prices', { body }), {
    onDone: ({ data }) => {
      toast.success(t('prices.added', { model: data.model }))
      onClose()
    },
    onFailed: (error) => {
      if (!showFieldErrors(error, form.setError, Object.keys(priceInputSchema.shape)))
        toast.error(describeError(error, t))
    },
  })
  const amount = (name: 'input' | 'cached' | 'output') => (
    <Field
      label={t(`prices.${name}`)}
      error={errors[name] === undefined ? undefined : t('prices.notAmount')}
      {...(name === 'cached' ? { hint: t('prices.cachedHint') } : {})}
    >
      {(control) => (
        <TextInput
          {...control}
          inputMode="decimal"
          {...form.register(name, { setValueAs: name === 'cached' ? toNumberOrNull : toNumber })}
        />
      )}
    </Field>
  )
  return (
    <FormDialog
      title={t('prices.add')}
      description={t('prices.addAbout')}
      isDirty={isDirty}
      onClose={onClose}
      submit={t('prices.add')}
      isBusy={create.isPending}
      onSubmit={() => void form.handleSubmit((values) => create.mutate(values))()}
    >
      <div className="grid gap-4 sm:grid-cols-2">
        <Field label={t('prices.provider')} hint={t('prices.providerHint')}>
          {(control) => (
            <Select {...control} {...form.register('provider')}>
              {priceProviders.map((each) => (
                <option key={each}>{each}</option>
              ))}
            </Select>
          )}
        </Field>
        <Field label={t('prices.from')} hint={t('prices.fromHint')} error={errors.effective_from?.message}>
          {(control) => <TextInput {...control} type="date" {...form.register('effective_from')} />}
        </Field>
      </div>
      <Field label={t('prices.model')} hint={t('prices.modelHint')} error={errors.model?.message}>
        {(control) => <TextInput {...control} {...form.register('model')} autoFocus className="font-mono" />}
      </Field>
      <div className="grid gap-4 sm:grid-cols-3">
        {amount('input')}
        {amount('cached')}
        {amount('output')}
      </div>
    </FormDialog>
  )
}
