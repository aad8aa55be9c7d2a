'use client'

import { ApiError } from '@gpt-load/api-client/api-error'
import type { Group } from '@gpt-load/contracts/api/group'
import { useMemo } from 'react'
import { FormProvider, useForm, type FieldPath } from 'react-hook-form'
import { toast } from 'sonner'
import { api, useChange } from '../../client/api.ts'
import { useText } from '../../i18n/locale.tsx'
import { Button } from '../../ui/button.tsx'
import { describeError } from '../../ui/states.tsx'
import { HeaderRules } from './header-rules.tsx'
import { ModelRedirects } from './model-redirects.tsx'
import { ParamOverrides } from './param-overrides.tsx'
import { createRulesResolver, formPathOf, valuesOf, type RulesPatch, type RulesValues } from './rules-form.ts'

/** What a group changes in a request, in the order in which it does. Saved together: redirects see what overrides have set. */
export function RulesTab({ group }: { group: Group }) {
  const { t } = useText()
  const resolver = useMemo(() => createRulesResolver({ twice: t('rules.twice'), notJson: t('rules.notJson') }), [t])
  const form = useForm<RulesValues, unknown, RulesPatch>({ resolver, defaultValues: valuesOf(group) })
  const { isDirty } = form.formState
  const save = useChange(
    (body: RulesPatch) =>
      api('PATCH /api/v1/groups/{id}', { params: { id: group.id }, revision: group.revision, body }),
    {
      onDone: ({ data }) => {
        form.reset(valuesOf(data))
        toast.success(t('common.saved'))
      },
      onFailed: (error) => {
        let areAllShown = error instanceof ApiError && error.fieldErrors.length > 0
        for (const { pointer, detail } of error instanceof ApiError ? error.fieldErrors : []) {
          const path = formPathOf(pointer, form.getValues())
          if (path === null) areAllShown = false
          else form.setError(path as FieldPath<RulesValues>, { message: detail })
        }
        if (!areAllShown) toast.error(describeError(error, t))
      },
    },
  )
  return (
    <FormProvider {...form}>
      <form
        noValidate
        className="grid gap-4"
        onSubmit={(event) => void form.handleSubmit((patch) => save.mutate(patch))(event)}
      >
        <p className="text-ink-faint">{t('rules.about')}</p>
        <ParamOverrides group={group} />
        <ModelRedirects group={group} />
        <HeaderRules group={group} />
        {isDirty && (
          <div className="sticky bottom-4 z-20 flex flex-wrap items-center gap-2 rounded-lg border border-line-strong bg-surface px-4 py-2 shadow-float">
            <span role="status" className="mr-auto">
              {t('rules.changed')}
            </span>
            <Button onClick={() => form.reset(valuesOf(group))}>{t('common.discard')}</Button>
            <Button kind="primary" type="submit" isBusy={save.isPending}>
              {t('common.save')}
            </Button>
          </div>
        )}
      </form>
    </FormProvider>
  )
}
