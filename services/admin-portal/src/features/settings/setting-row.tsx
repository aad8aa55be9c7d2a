'use client'

import {
  settingsRegistry,
  type SettingDefinition,
  type SettingName,
  type SettingValue,
} from '@gpt-load/contracts/settings'
import { ArrowRight, RotateCcw } from 'lucide-react'
import { useText } from '../../i18n/locale.tsx'
import { Tag } from '../../ui/badge.tsx'
import { IconButton } from '../../ui/button.tsx'
import { Select, TextArea, TextInput } from '../../ui/field.tsx'
import { Toggle } from '../../ui/toggle.tsx'
import { ManagedTag, ManagedWarning } from '../groups/managed-field.tsx'
import type { EditableSetting } from './settings-editor.tsx'

type Props = {
  setting: EditableSetting
  /** In the language of the page. */
  meaning: string
  /** Likewise; '' = none. */
  unit: string
  change: SettingValue | null | undefined
  problem: string | undefined
  onChange: (name: SettingName, value: SettingValue | null | undefined) => void
}

/** Name and meaning, where the value comes from, the value. */
export function SettingRow({ setting, meaning, unit, change, problem, onChange }: Props) {
  const { t } = useText()
  const { name, value, own, inherited } = setting
  const definition: SettingDefinition = settingsRegistry[name]
  const shown = change === undefined ? value : (change ?? inherited)
  const set = (next: SettingValue): void => onChange(name, next === value ? undefined : next)
  const canReset = change === undefined ? own : change !== null
  return (
    <div
      data-setting={name}
      className="grid gap-x-6 gap-y-2 border-b border-line px-4 py-3 last:border-b-0 md:grid-cols-[1fr_20rem]"
    >
      <div className="min-w-0">
        <p className="flex flex-wrap items-center gap-2">
          <span id={`name-${name}`} className="font-mono text-[13px] font-medium break-all">
            {name}
          </span>
          <Tag>{setting.origin}</Tag>
          <ManagedTag owner={setting.managedBy} />
        </p>
        <p id={`about-${name}`} className="mt-0.5 max-w-2xl text-[13px] text-ink-faint">
          {meaning}
        </p>
      </div>
      <div className="grid content-start gap-1">
        <div className="flex items-center gap-2">
          <SettingInput
            name={name}
            definition={definition}
            value={shown}
            isWrong={problem !== undefined}
            onChange={set}
          />
          <span className="figures w-22 shrink-0 truncate text-[13px] text-ink-faint">{unit}</span>
          <IconButton
            label={t('settings.reset', { name })}
            disabled={!canReset}
            className={`size-7! ${canReset ? '' : 'invisible'}`}
            onClick={() => onChange(name, own ? null : undefined)}
          >
            <RotateCcw aria-hidden className="size-3.5" />
          </IconButton>
        </div>
        <SettingNote
          definition={definition}
          problem={problem}
          from={value}
          to={change === undefined ? undefined : shown}
        />
        {change !== undefined && <ManagedWarning owner={setting.managedBy} />}
      </div>
    </div>
  )
}

function SettingInput(props: {
  name: SettingName
  definition: SettingDefinition
  value: SettingValue
  isWrong: boolean
  onChange: (value: SettingValue) => void
}) {
  const { name, definition, value, isWrong, onChange } = props
  if (definition.type === 'bool')
    return (
      <span className="flex h-8 flex-1 items-center md:justify-end">
        <Toggle label={name} isOn={value === true} onChange={onChange} />
      </span>
    )
  if (definition.type === 'choice')
    return (
      <Select
        aria-label={name}
        aria-describedby={`about-${name}`}
        value={String(value)}
        onChange={(event) => onChange(event.target.value)}
      >
        {definition.choices.map((choice) => (
          <option key={choice}>{choice}</option>
        ))}
      </Select>
    )
  if (definition.type === 'string' && definition.isMultiline === true)
    return (
      <TextArea
        aria-label={name}
        aria-describedby={`about-${name}`}
        aria-invalid={isWrong || undefined}
        rows={3}
        value={String(value)}
        onChange={(event) => onChange(event.target.value)}
        className="font-mono text-[13px]"
      />
    )
  const isInteger = definition.type === 'int'
  return (
    <TextInput
      aria-label={name}
      aria-describedby={`about-${name}`}
      aria-invalid={isWrong || undefined}
      inputMode={isInteger ? 'numeric' : 'text'}
      value={Number.isNaN(value) ? '' : String(value)}
      onChange={(event) => onChange(isInteger ? integerOf(event.target.value) : event.target.value)}
      className={isInteger ? 'figures text-right' : 'font-mono text-[13px]'}
    />
  )
}

/** NaN is what the schema refuses: an empty or wrong field is an error, not a zero. */
function integerOf(text: string): number {
  return /^-?\d+$/.test(text.trim()) ? Number(text) : Number.NaN
}

function SettingNote(props: {
  definition: SettingDefinition
  problem: string | undefined
  from: SettingValue
  to: SettingValue | undefined
}) {
  const { t, format } = useText()
  const { definition, problem, from, to } = props
  if (problem !== undefined)
    return (
      <p role="alert" className="text-[13px] text-bad">
        {definition.type === 'int'
          ? t('settings.range', { min: format.number(definition.min), max: format.number(definition.max) })
          : problem}
      </p>
    )
  if (to === undefined) return null
  return (
    <p className="figures flex min-w-0 items-center gap-1.5 text-[13px] text-accent">
      <s className="truncate text-ink-faint">{String(from) || '""'}</s>
      <ArrowRight aria-hidden className="size-3 shrink-0" />
      <span className="truncate">{String(to) || '""'}</span>
    </p>
  )
}
