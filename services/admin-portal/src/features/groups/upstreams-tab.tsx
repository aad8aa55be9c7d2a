'use client'

import { zodResolver } from '@hookform/resolvers/zod'
import type { Group } from '@gpt-load/contracts/api/group'
import { upstreamListInputSchema } from '@gpt-load/contracts/api/upstream'
import { Plus, Trash2 } from 'lucide-react'
import { useFieldArray, useForm } from 'react-hook-form'
import { toast } from 'sonner'
import { z } from 'zod'
import { api, useChange } from '../../client/api.ts'
import { showFieldErrors } from '../../client/form-errors.ts'
import { useText } from '../../i18n/locale.tsx'
import { Button, IconButton } from '../../ui/button.tsx'
import { TextInput } from '../../ui/field.tsx'
import { Panel } from '../../ui/page.tsx'
import { describeError } from '../../ui/states.tsx'
import { ownerOfField } from './file-owner.ts'
import { PanelAbout } from './panel-about.tsx'
import { WeightInput } from './weight-row.tsx'
import { shareOf } from './weights.ts'

const schema = z.object({ items: upstreamListInputSchema })
type Values = z.input<typeof schema>

/** Changed as one list: weights mean something only beside each other. */
export function UpstreamsTab({ group }: { group: Group }) {
  const { t } = useText()
  const form = useForm<Values, unknown, z.output<typeof schema>>({
    resolver: zodResolver(schema),
    defaultValues: valuesOf(group),
  })
  const { fields, append, remove } = useFieldArray({ control: form.control, name: 'items' })
  const { errors, isDirty } = form.formState
  const weights = form.watch('items').map(({ weight }) => weight || 0)
  const save = useChange(
    ({ items }: z.output<typeof schema>) =>
      api('PUT /api/v1/groups/{id}/upstreams', { params: { id: group.id }, revision: group.revision, body: items }),
    {
      onDone: ({ data }) => {
        form.reset(valuesOf({ upstreams: data.items }))
        toast.success(t('common.saved'))
      },
      onFailed: (error) => {
        if (!showFieldErrors(error, form.setError, [])) toast.error(describeError(error, t))
      },
    },
  )
  return (
    <Panel>
      <form noValidate onSubmit={(event) => void form.handleSubmit((values) => save.mutate(values))(event)}>
        <PanelAbout text={t('upstreams.about')} owner={ownerOfField(group, 'upstreams')} isChanged={isDirty} />
        <ul>
          {fields.map((field, index) => (
            <li key={field.id} className="flex flex-wrap items-start gap-3 border-b border-line px-4 py-3">
              <div className="min-w-0 flex-1 basis-72">
                <TextInput
                  aria-label={t('upstreams.url', { number: index + 1 })}
                  aria-invalid={errors.items?.[index]?.url === undefined ? undefined : true}
                  type="url"
                  className="font-mono text-[13px]"
                  {...form.register(`items.${index}.url`)}
                />
                {errors.items?.[index]?.url !== undefined && (
                  <p className="mt-1 text-[13px] text-bad">{errors.items[index].url.message}</p>
                )}
              </div>
              <WeightInput
                label={t('upstreams.weight', { number: index + 1 })}
                value={form.watch(`items.${index}.weight`) ?? 1}
                share={shareOf(weights[index] ?? 0, weights)}
                onChange={(value) => form.setValue(`items.${index}.weight`, value, { shouldDirty: true })}
              />
              <IconButton
                label={t('upstreams.remove', { number: index + 1 })}
                disabled={fields.length === 1}
                onClick={() => remove(index)}
              >
                <Trash2 aria-hidden className="size-4" />
              </IconButton>
            </li>
          ))}
        </ul>
        <div className="flex flex-wrap items-center gap-2 px-4 py-3">
          <Button onClick={() => append({ url: '', weight: 1 })}>
            <Plus aria-hidden className="size-4" />
            {t('upstreams.add')}
          </Button>
          <p role="alert" className="text-[13px] text-bad">
            {errors.items?.root?.message ?? errors.items?.message}
          </p>
          <span className="ml-auto flex gap-2">
            {isDirty && <Button onClick={() => form.reset(valuesOf(group))}>{t('common.discard')}</Button>}
            <Button kind="primary" type="submit" disabled={!isDirty} isBusy={save.isPending}>
              {t('common.save')}
            </Button>
          </span>
        </div>
      </form>
    </Panel>
  )
}

function valuesOf({ upstreams }: Pick<Group, 'upstreams'>): Values {
  return { items: upstreams.map(({ url, weight }) => ({ url, weight })) }
}
