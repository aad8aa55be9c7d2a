'use client'

import { Switch } from '@base-ui/react/switch'
import { Checkbox } from '@base-ui/react/checkbox'
import { Check, Minus } from 'lucide-react'

export function Toggle(props: {
  label: string
  isOn: boolean
  isDisabled?: boolean
  onChange: (isOn: boolean) => void
  id?: string
}) {
  return (
    <Switch.Root
      {...(props.id === undefined ? {} : { id: props.id })}
      aria-label={props.label}
      checked={props.isOn}
      disabled={props.isDisabled === true}
      onCheckedChange={props.onChange}
      className="inline-flex h-[18px] w-8 shrink-0 items-center rounded-full bg-ink-faint p-0.5 transition-colors data-checked:bg-accent data-disabled:opacity-55"
    >
      <Switch.Thumb className="size-3.5 rounded-full bg-surface transition-transform data-checked:translate-x-3.5" />
    </Switch.Root>
  )
}

export function Tick(props: {
  label: string
  isOn: boolean
  isPartly?: boolean
  onChange: (isOn: boolean, isWithShift: boolean) => void
}) {
  return (
    <Checkbox.Root
      aria-label={props.label}
      // Or the browser marks all text between two ticks.
      onMouseDown={(event) => event.shiftKey && event.preventDefault()}
      checked={props.isOn}
      indeterminate={props.isPartly === true}
      onCheckedChange={(isOn, { event }) => props.onChange(isOn, event instanceof MouseEvent && event.shiftKey)}
      className="grid size-4 shrink-0 place-items-center rounded border border-ink-faint bg-surface data-checked:border-accent data-checked:bg-accent data-indeterminate:border-accent data-indeterminate:bg-accent"
    >
      <Checkbox.Indicator className="text-accent-ink">
        {props.isPartly === true ? <Minus aria-hidden className="size-3" /> : <Check aria-hidden className="size-3" />}
      </Checkbox.Indicator>
    </Checkbox.Root>
  )
}
