'use client'

import type { Group } from '@gpt-load/contracts/api/group'
import { ArrowRight, Plus, Trash2, X } from 'lucide-react'
import { Controller, useFieldArray, useFormContext } from 'react-hook-form'
import { useText } from '../../i18n/locale.tsx'
import { Button, IconButton } from '../../ui/button.tsx'
import { TextInput } from '../../ui/field.tsx'
import { Toggle } from '../../ui/toggle.tsx'
import { ownerOfField } from './file-owner.ts'
import { ManagedTag, ManagedWarning } from './managed-field.tsx'
import { RowProblem, RuleSection, useIsChanged } from './rule-section.tsx'
import type { RulesValues } from './rules-form.ts'
import { WeightInput } from './weight-row.tsx'
import { shareOf } from './weights.ts'

export function ModelRedirects({ group }: { group: Group }) {
  const { t } = useText()
  const { control } = useFormContext<RulesValues>()
  const { fields, append, remove } = useFieldArray({ control, name: 'redirects' })
  const isChanged = useIsChanged('redirects')
  const isStrictChanged = useIsChanged('isStrict')
  const strictOwner = ownerOfField(group, 'model_redirect_strict')
  return (
    <RuleSection
      title={t('rules.redirects')}
      owner={ownerOfField(group, 'model_redirects')}
      isChanged={isChanged}
      about={t('rules.redirectsAbout')}
      none={t('rules.noRedirects')}
      isEmpty={fields.length === 0}
      add={
        <Button onClick={() => append({ source: '', targets: [{ model: '', weight: 1 }] })}>
          <Plus aria-hidden className="size-4" />
          {t('rules.addRedirect')}
        </Button>
      }
    >
      <ul>
        {fields.map((field, index) => (
          <Redirect key={field.id} index={index} onRemove={() => remove(index)} />
        ))}
      </ul>
      <Controller
        control={control}
        name="isStrict"
        render={({ field }) => (
          <div className="flex items-center gap-3 border-t border-line bg-sunken px-4 py-2.5">
            <Toggle label={t('rules.strict')} isOn={field.value} onChange={field.onChange} />
            <span className="min-w-0">
              <span aria-hidden className="font-medium">
                {t('rules.strict')}
              </span>
              <span className="mx-2 text-[13px] text-ink-faint">{t('rules.strictAbout')}</span>
              <ManagedTag owner={strictOwner} />
              {isStrictChanged && <ManagedWarning owner={strictOwner} />}
            </span>
          </div>
        )}
      />
    </RuleSection>
  )
}

function Redirect({ index, onRemove }: { index: number; onRemove: () => void }) {
  const { t } = useText()
  const { control, register, formState, watch, setValue } = useFormContext<RulesValues>()
  const { fields, append, remove } = useFieldArray({ control, name: `redirects.${index}.targets` })
  const problem = formState.errors.redirects?.[index]
  const weights = watch(`redirects.${index}.targets`).map(({ weight }) => weight || 0)
  const number = index + 1
  return (
    <li className="flex flex-wrap items-start gap-2 border-b border-line px-4 py-2.5 last:border-b-0">
      <div className="w-60 max-sm:w-full">
        <TextInput
          aria-label={t('rules.source', { number })}
          aria-invalid={problem?.source === undefined ? undefined : true}
          placeholder="gpt-4*"
          className="font-mono text-[13px]"
          {...register(`redirects.${index}.source`)}
        />
      </div>
      <ArrowRight aria-hidden className="mt-2 size-4 text-ink-faint" />
      <ul className="grid min-w-0 flex-1 basis-64 gap-2">
        {fields.map((field, target) => (
          <li key={field.id} className="flex flex-wrap items-center gap-2">
            <div className="min-w-0 flex-1 basis-40">
              <TextInput
                aria-label={t('rules.target', { number, target: target + 1 })}
                aria-invalid={problem?.targets?.[target]?.model === undefined ? undefined : true}
                placeholder="gpt-4.1-mini"
                className="font-mono text-[13px]"
                {...register(`redirects.${index}.targets.${target}.model`)}
              />
            </div>
            {fields.length > 1 && (
              <>
                <WeightInput
                  label={t('rules.targetWeight', { number, target: target + 1 })}
                  value={watch(`redirects.${index}.targets.${target}.weight`)}
                  share={shareOf(weights[target] ?? 0, weights)}
                  onChange={(weight) =>
                    setValue(`redirects.${index}.targets.${target}.weight`, weight, { shouldDirty: true })
                  }
                />
                <IconButton
                  label={t('rules.removeTarget', { number, target: target + 1 })}
                  onClick={() => remove(target)}
                >
                  <X aria-hidden className="size-4" />
                </IconButton>
              </>
            )}
          </li>
        ))}
      </ul>
      <span className="flex">
        <IconButton label={t('rules.addTarget', { number })} onClick={() => append({ model: '', weight: 1 })}>
          <Plus aria-hidden className="size-4" />
        </IconButton>
        <IconButton label={t('rules.removeRedirect', { number })} onClick={onRemove}>
          <Trash2 aria-hidden className="size-4" />
        </IconButton>
      </span>
      <RowProblem
        texts={[
          problem?.source?.message,
          ...fields.map((_, target) => {
            const { model, weight } = problem?.targets?.[target] ?? {}
            return model?.message ?? weight?.message
          }),
        ]}
      />
    </li>
  )
}
