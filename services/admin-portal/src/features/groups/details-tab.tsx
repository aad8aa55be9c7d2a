'use client'

import { zodResolver } from '@hookform/resolvers/zod'
import { groupPatchSchema, type Group, type GroupPatch } from '@gpt-load/contracts/api/group'
import { useForm } from 'react-hook-form'
import { toast } from 'sonner'
import { api, useChange } from '../../client/api.ts'
import { showFieldErrors } from '../../client/form-errors.ts'
import { useText } from '../../i18n/locale.tsx'
import { Button } from '../../ui/button.tsx'
import { Field, TextArea, TextInput } from '../../ui/field.tsx'
import { DateTime } from '../../ui/moment.tsx'
import { Facts, Panel } from '../../ui/page.tsx'
import { describeError } from '../../ui/states.tsx'
import { useManagedField } from './managed-field.tsx'

const schema = groupPatchSchema.pick({
  name: true,
  display_name: true,
  description: true,
  test_model: true,
  validation_endpoint: true,
  sort: true,
})
type Values = Pick<GroupPatch, keyof typeof schema.shape>

export function DetailsTab({ group }: { group: Group }) {
  const { t } = useText()
  const form = useForm<Values>({ resolver: zodResolver(schema), defaultValues: valuesOf(group) })
  const { errors, isDirty, dirtyFields } = form.formState
  const save = useChange(
    (values: Values) =>
      api('PATCH /api/v1/groups/{id}', {
        params: { id: group.id },
        revision: group.revision,
        body: Object.fromEntries(Object.entries(values).filter(([name]) => name in dirtyFields)),
      }),
    {
      onDone: ({ data }) => {
        form.reset(valuesOf(data))
        toast.success(t('common.saved'))
      },
      onFailed: (error) => {
        if (!showFieldErrors(error, form.setError, Object.keys(schema.shape))) toast.error(describeError(error, t))
      },
    },
  )
  const managedField = useManagedField(group)
  const managed = (name: keyof Values) => managedField(name, dirtyFields[name])
  const isAggregate = group.kind === 'aggregate'
  return (
    <div className="grid items-start gap-4 lg:grid-cols-[1fr_20rem]">
      <Panel>
        <form
          noValidate
          className="grid gap-4 p-4"
          onSubmit={(event) => void form.handleSubmit((values) => save.mutate(values))(event)}
        >
          <div className="grid gap-4 sm:grid-cols-2">
            <Field label={t('groups.displayName')} error={errors.display_name?.message} {...managed('display_name')}>
              {(control) => <TextInput {...control} {...form.register('display_name')} />}
            </Field>
            <Field
              label={t('groups.name')}
              hint={t('groups.renameHint')}
              error={errors.name?.message}
              {...managed('name')}
            >
              {(control) => <TextInput {...control} {...form.register('name')} className="font-mono" />}
            </Field>
          </div>
          <Field label={t('groups.description')} error={errors.description?.message} {...managed('description')}>
            {(control) => <TextArea {...control} rows={2} {...form.register('description')} />}
          </Field>
          {!isAggregate && (
            <div className="grid gap-4 sm:grid-cols-2">
              <Field
                label={t('groups.testModel')}
                hint={t('groups.testModelHint')}
                error={errors.test_model?.message}
                {...managed('test_model')}
              >
                {(control) => <TextInput {...control} {...form.register('test_model')} className="font-mono" />}
              </Field>
              <Field
                label={t('groups.testPath')}
                hint={t('groups.testPathHint')}
                error={errors.validation_endpoint?.message}
                {...managed('validation_endpoint')}
              >
                {(control) => (
                  <TextInput {...control} {...form.register('validation_endpoint')} className="font-mono" />
                )}
              </Field>
            </div>
          )}
          <Field label={t('groups.sort')} hint={t('groups.sortHint')} error={errors.sort?.message} {...managed('sort')}>
            {(control) => (
              <TextInput
                {...control}
                type="number"
                {...form.register('sort', { valueAsNumber: true })}
                className="figures w-32!"
              />
            )}
          </Field>
          <div className="flex justify-end gap-2">
            {isDirty && <Button onClick={() => form.reset()}>{t('common.discard')}</Button>}
            <Button kind="primary" type="submit" disabled={!isDirty} isBusy={save.isPending}>
              {t('common.save')}
            </Button>
          </div>
        </form>
      </Panel>
      <Panel className="p-4">
        <Facts
          items={[
            [
              t('groups.id'),
              <span key="id" className="figures">
                {group.id}
              </span>,
            ],
            [
              t('groups.revision'),
              <span key="revision" className="figures">
                {group.revision}
              </span>,
            ],
            [t('groups.created'), <DateTime key="created" at={group.created_at} />],
            [t('groups.updated'), <DateTime key="updated" at={group.updated_at} />],
          ]}
        />
      </Panel>
    </div>
  )
}

function valuesOf(group: Group): Values {
  const { name, display_name, description, test_model, validation_endpoint, sort } = group
  return { name, display_name, description, test_model, validation_endpoint, sort }
}
