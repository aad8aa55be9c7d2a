'use client'

import { zodResolver } from '@hookform/resolvers/zod'
import { channelOf } from '@gpt-load/channels/find-channel'
import { groupCreateSchema } from '@gpt-load/contracts/api/group'
import { channelTypes, type ChannelType } from '@gpt-load/contracts/channel-types'
import { useRouter } from 'next/navigation'
import { useState } from 'react'
import { useForm } from 'react-hook-form'
import { toast } from 'sonner'
import type { z } from 'zod'
import { api, useChange } from '../../client/api.ts'
import { showFieldErrors } from '../../client/form-errors.ts'
import { useText } from '../../i18n/locale.tsx'
import { groupHref } from '../../shell/navigation.ts'
import { FormDialog } from '../../ui/form-dialog.tsx'
import { Field, Select, TextArea, TextInput } from '../../ui/field.tsx'
import { describeError } from '../../ui/states.tsx'

type Values = z.input<typeof groupCreateSchema>

/** A group and, in the same go, its first keys: with both it serves. */
export function CreateGroup({ onClose }: { onClose: () => void }) {
  const { t } = useText()
  const router = useRouter()
  const [keys, setKeys] = useState('')
  const form = useForm<Values, unknown, z.output<typeof groupCreateSchema>>({
    resolver: zodResolver(groupCreateSchema),
    defaultValues: { name: '', kind: 'standard', channel: 'openai', upstreams: [{ url: upstreamOf('openai') }] },
  })
  const { errors, isDirty } = form.formState
  const kind = form.watch('kind')
  const create = useChange(
    async (values: z.output<typeof groupCreateSchema>) => {
      const { data: group } = await api('POST /api/v1/groups', { body: values })
      // The group is there from here on: keys that are refused are added on its own page.
      if (keys.trim() !== '' && values.kind === 'standard')
        await api('POST /api/v1/groups/{id}/keys', { params: { id: group.id }, body: { text: keys } }).catch(
          (error: unknown) => toast.error(describeError(error, t)),
        )
      return group
    },
    {
      onDone: (group) => router.push(groupHref(group.id)),
      onFailed: (error) => {
        if (!showFieldErrors(error, form.setError, ['name', 'channel', 'upstreams']))
          toast.error(describeError(error, t))
      },
    },
  )
  const setChannel = (channel: ChannelType): void => {
    const url = form.getValues('upstreams.0.url')
    const isUntouched = channelTypes.some((each) => upstreamOf(each) === url)
    form.setValue('channel', channel)
    if (isUntouched) form.setValue('upstreams.0.url', upstreamOf(channel))
  }
  return (
    <FormDialog
      title={t('groups.create')}
      description={t('groups.createAbout')}
      isDirty={isDirty || keys !== ''}
      onClose={onClose}
      submit={t('groups.create')}
      isBusy={create.isPending}
      onSubmit={() => void form.handleSubmit((values) => create.mutate(values))()}
    >
      <div className="grid gap-4 sm:grid-cols-2">
        <Field label={t('groups.kind')} hint={t(kind === 'aggregate' ? 'groups.aggregateHint' : 'groups.standardHint')}>
          {(control) => (
            <Select
              {...control}
              {...form.register('kind', {
                onChange: (event: { target: { value: string } }) =>
                  form.setValue(
                    'upstreams',
                    event.target.value === 'aggregate' ? undefined : [{ url: upstreamOf(form.getValues('channel')) }],
                  ),
              })}
            >
              <option value="standard">{t('groups.standard')}</option>
              <option value="aggregate">{t('groups.aggregate')}</option>
            </Select>
          )}
        </Field>
        <Field label={t('groups.channel')} hint={t('groups.channelHint')} error={errors.channel?.message}>
          {(control) => (
            <Select
              {...control}
              {...form.register('channel', {
                onChange: (event: { target: { value: ChannelType } }) => setChannel(event.target.value),
              })}
            >
              {channelTypes.map((each) => (
                <option key={each}>{each}</option>
              ))}
            </Select>
          )}
        </Field>
      </div>
      <Field label={t('groups.name')} hint={t('groups.nameHint')} error={errors.name?.message}>
        {(control) => (
          <TextInput {...control} {...form.register('name')} autoFocus className="font-mono" placeholder="openai" />
        )}
      </Field>
      {kind !== 'aggregate' && (
        <>
          <Field
            label={t('groups.upstream')}
            hint={t('groups.upstreamHint')}
            error={errors.upstreams?.[0]?.url?.message ?? errors.upstreams?.message}
          >
            {(control) => (
              <TextInput {...control} {...form.register('upstreams.0.url')} type="url" className="font-mono" />
            )}
          </Field>
          <Field label={t('keys.first')} hint={t('keys.pasteHint')}>
            {(control) => (
              <TextArea
                {...control}
                rows={3}
                value={keys}
                onChange={(event) => setKeys(event.target.value)}
                className="font-mono text-[13px]"
                placeholder="sk-…"
              />
            )}
          </Field>
        </>
      )}
    </FormDialog>
  )
}

function upstreamOf(channel: ChannelType): string {
  return channelOf(channel).defaults.upstreamUrl
}
