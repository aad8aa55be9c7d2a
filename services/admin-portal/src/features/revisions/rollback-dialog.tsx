'use client'

import { ApiError } from '@gpt-load/api-client/api-error'
import type { RollbackChange, RollbackPlan } from '@gpt-load/contracts/api/rollback'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { toast } from 'sonner'
import { api, useChange } from '../../client/api.ts'
import { useText } from '../../i18n/locale.tsx'
import { Tag } from '../../ui/badge.tsx'
import { Field, TextInput } from '../../ui/field.tsx'
import { FormDialog } from '../../ui/form-dialog.tsx'
import { describeError, ErrorState, SkeletonRows } from '../../ui/states.tsx'

/** What going back would change, field by field; then the way back, for whoever types the number of the revision. */
export function RollbackDialog({ revision, onClose }: { revision: number; onClose: () => void }) {
  const { t, format } = useText()
  const [typed, setTyped] = useState('')
  const plan = useQuery({
    queryKey: ['POST /api/v1/rollback/plan', revision],
    queryFn: async ({ signal }) => (await api('POST /api/v1/rollback/plan', { body: { revision }, signal })).data,
  })
  const rollBack = useChange(
    ({ policy_revision: expected }: RollbackPlan) =>
      api('POST /api/v1/rollback', { body: { revision, expected_revision: expected } }),
    {
      onDone: () => {
        toast.success(t('revisions.done', { revision: format.number(revision) }))
        onClose()
      },
      onFailed: (error) => {
        const isOutdated = error instanceof ApiError && error.code === 'plan_outdated'
        if (isOutdated) void plan.refetch()
        toast.error(isOutdated ? t('revisions.outdated') : describeError(error, t))
      },
    },
  )
  const changes = plan.data?.changes ?? []
  return (
    <FormDialog
      title={t('revisions.backTo', { revision: format.number(revision) })}
      description={t('revisions.backAbout')}
      width="max-w-2xl"
      kind="danger"
      submit={t('revisions.roll')}
      canSubmit={changes.length > 0 && typed.trim() === String(revision)}
      isBusy={rollBack.isPending}
      onSubmit={() => plan.data !== undefined && rollBack.mutate(plan.data)}
      onClose={onClose}
    >
      {plan.data === undefined ? (
        plan.error === null ? (
          <SkeletonRows rows={4} height={44} />
        ) : (
          <ErrorState error={plan.error} onRetry={() => void plan.refetch()} />
        )
      ) : changes.length === 0 ? (
        <p>{t('revisions.nothing')}</p>
      ) : (
        <>
          <ul className="grid gap-2">
            {changes.map((change) => (
              <Change key={`${change.entity} ${change.entity_id}`} change={change} />
            ))}
          </ul>
          <Field label={t('confirm.type', { name: String(revision) })}>
            {(control) => (
              <TextInput
                {...control}
                value={typed}
                inputMode="numeric"
                onChange={({ target }) => setTyped(target.value)}
                className="font-mono"
              />
            )}
          </Field>
        </>
      )}
    </FormDialog>
  )
}

function Change({ change: { entity, name, action, fields } }: { change: RollbackChange }) {
  const { t } = useText()
  return (
    <li className="rounded-md border border-line px-3 py-2">
      <p className="flex flex-wrap items-center gap-2">
        <span className="font-medium break-all">{name}</span>
        <Tag>{t(`revisions.of.${entity}`)}</Tag>
        <span className="ml-auto text-[13px] text-ink-faint">{t(`revisions.action.${action}`)}</span>
      </p>
      {fields.length > 0 && (
        <dl className="mt-1.5 grid gap-1 text-[13px]">
          {fields.map(({ field, from, to }) => (
            <div key={field} className="grid gap-x-3 sm:grid-cols-[12rem_1fr]">
              <dt className="truncate font-mono text-ink-faint" title={field}>
                {field}
              </dt>
              <dd className="min-w-0 font-mono break-all">
                <del className="text-bad no-underline">{from}</del> → <ins className="text-good no-underline">{to}</ins>
              </dd>
            </div>
          ))}
        </dl>
      )}
    </li>
  )
}
