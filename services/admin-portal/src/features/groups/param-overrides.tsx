'use client'

import type { Group } from '@gpt-load/contracts/api/group'
import { Plus, Trash2 } from 'lucide-react'
import { useFieldArray, useFormContext } from 'react-hook-form'
import { useText } from '../../i18n/locale.tsx'
import { Button, IconButton } from '../../ui/button.tsx'
import { TextInput } from '../../ui/field.tsx'
import { ownerOfField } from './file-owner.ts'
import { RowProblem, RuleSection, useIsChanged } from './rule-section.tsx'
import type { RulesValues } from './rules-form.ts'

export function ParamOverrides({ group }: { group: Group }) {
  const { t } = useText()
  const { control, register, formState } = useFormContext<RulesValues>()
  const { fields, append, remove } = useFieldArray({ control, name: 'overrides' })
  const { errors } = formState
  const isChanged = useIsChanged('overrides')
  return (
    <RuleSection
      title={t('rules.overrides')}
      owner={ownerOfField(group, 'param_overrides')}
      isChanged={isChanged}
      about={t('rules.overridesAbout')}
      none={t('rules.noOverrides')}
      isEmpty={fields.length === 0}
      add={
        <Button onClick={() => append({ name: '', value: '' })}>
          <Plus aria-hidden className="size-4" />
          {t('rules.addOverride')}
        </Button>
      }
    >
      <ul>
        {fields.map((field, index) => {
          const problem = errors.overrides?.[index]
          const number = index + 1
          return (
            <li
              key={field.id}
              className="flex flex-wrap items-center gap-2 border-b border-line px-4 py-2.5 last:border-b-0"
            >
              <div className="w-44 max-sm:w-full">
                <TextInput
                  aria-label={t('rules.overrideName', { number })}
                  aria-invalid={problem?.name === undefined ? undefined : true}
                  placeholder="temperature"
                  className="font-mono text-[13px]"
                  {...register(`overrides.${index}.name`)}
                />
              </div>
              <span aria-hidden className="text-ink-faint">
                =
              </span>
              <div className="min-w-0 flex-1 basis-40">
                <TextInput
                  aria-label={t('rules.overrideValue', { number })}
                  aria-invalid={problem?.value === undefined ? undefined : true}
                  placeholder="0.2"
                  className="font-mono text-[13px]"
                  {...register(`overrides.${index}.value`)}
                />
              </div>
              <IconButton label={t('rules.removeOverride', { number })} onClick={() => remove(index)}>
                <Trash2 aria-hidden className="size-4" />
              </IconButton>
              <RowProblem texts={[problem?.name?.message, problem?.value?.message]} />
            </li>
          )
        })}
      </ul>
    </RuleSection>
  )
}
