'use client'

import { maskedValue, type Group } from '@gpt-load/contracts/api/group'
import { ChevronDown, ChevronUp, Plus, Trash2 } from 'lucide-react'
import { useFieldArray, useFormContext } from 'react-hook-form'
import { useText } from '../../i18n/locale.tsx'
import { Button, IconButton } from '../../ui/button.tsx'
import { Select, TextInput } from '../../ui/field.tsx'
import { ownerOfField } from './file-owner.ts'
import { RowProblem, RuleSection, useIsChanged } from './rule-section.tsx'
import type { RulesValues } from './rules-form.ts'

/** What the edge fills in (its `header-rules.ts`). */
const variables = [
  'CLIENT_IP',
  'GROUP_NAME',
  'API_KEY',
  'ACCESS_KEY_NAME',
  'MODEL',
  'REQUEST_ID',
  'TIMESTAMP_S',
  'TIMESTAMP_MS',
]

/** The order counts: a later rule sees what an earlier one has left. */
export function HeaderRules({ group }: { group: Group }) {
  const { t } = useText()
  const { control, watch } = useFormContext<RulesValues>()
  const { fields, append, remove, move } = useFieldArray({ control, name: 'headers' })
  const hasMask = watch('headers').some(({ value }) => value === maskedValue)
  const isChanged = useIsChanged('headers')
  return (
    <RuleSection
      title={t('rules.headers')}
      owner={ownerOfField(group, 'header_rules')}
      isChanged={isChanged}
      about={
        <>
          <p>{t('rules.headersAbout')}</p>
          <p className="mt-1 flex flex-wrap gap-1">
            {variables.map((name) => (
              <code key={name} className="rounded bg-sunken px-1 font-mono text-xs">{`\${${name}}`}</code>
            ))}
          </p>
          {hasMask && <p className="mt-1">{t('rules.headersMasked')}</p>}
        </>
      }
      none={t('rules.noHeaders')}
      isEmpty={fields.length === 0}
      add={
        <Button onClick={() => append({ key: '', value: '', action: 'set' })}>
          <Plus aria-hidden className="size-4" />
          {t('rules.addHeader')}
        </Button>
      }
    >
      <ol>
        {fields.map((field, index) => (
          <HeaderRuleRow
            key={field.id}
            index={index}
            isLast={index === fields.length - 1}
            onMove={(step) => move(index, index + step)}
            onRemove={() => remove(index)}
          />
        ))}
      </ol>
    </RuleSection>
  )
}

function HeaderRuleRow(props: {
  index: number
  isLast: boolean
  onMove: (step: 1 | -1) => void
  onRemove: () => void
}) {
  const { t } = useText()
  const { index, isLast, onMove } = props
  const { register, formState, watch } = useFormContext<RulesValues>()
  const problem = formState.errors.headers?.[index]
  const number = index + 1
  return (
    <li className="flex flex-wrap items-center gap-2 border-b border-line px-4 py-2.5 last:border-b-0">
      <Select
        aria-label={t('rules.headerAction', { number })}
        className="w-28!"
        {...register(`headers.${index}.action`)}
      >
        <option value="set">{t('rules.set')}</option>
        <option value="remove">{t('rules.remove')}</option>
      </Select>
      <div className="w-56 max-sm:flex-1">
        <TextInput
          aria-label={t('rules.headerName', { number })}
          aria-invalid={problem?.key === undefined ? undefined : true}
          placeholder="x-request-source"
          className="font-mono text-[13px]"
          {...register(`headers.${index}.key`)}
        />
      </div>
      <div className="min-w-0 flex-1 basis-48">
        {watch(`headers.${index}.action`) === 'set' && (
          <TextInput
            aria-label={t('rules.headerValue', { number })}
            aria-invalid={problem?.value === undefined ? undefined : true}
            className="font-mono text-[13px]"
            {...register(`headers.${index}.value`)}
          />
        )}
      </div>
      <span className="flex">
        <IconButton label={t('rules.headerUp', { number })} disabled={index === 0} onClick={() => onMove(-1)}>
          <ChevronUp aria-hidden className="size-4" />
        </IconButton>
        <IconButton label={t('rules.headerDown', { number })} disabled={isLast} onClick={() => onMove(1)}>
          <ChevronDown aria-hidden className="size-4" />
        </IconButton>
        <IconButton label={t('rules.removeHeader', { number })} onClick={props.onRemove}>
          <Trash2 aria-hidden className="size-4" />
        </IconButton>
      </span>
      <RowProblem texts={[problem?.key?.message, problem?.value?.message]} />
    </li>
  )
}
