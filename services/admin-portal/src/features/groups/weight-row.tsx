'use client'

import { useText } from '../../i18n/locale.tsx'
import { TextInput } from '../../ui/field.tsx'

export const maxWeight = 1_000

/** A weight and what it amounts to beside the others. */
export function WeightInput(props: { label: string; value: number; share: number; onChange: (value: number) => void }) {
  const { t } = useText()
  return (
    <span className="flex items-center gap-3">
      <TextInput
        type="number"
        aria-label={props.label}
        min={0}
        max={maxWeight}
        value={Number.isNaN(props.value) ? '' : props.value}
        onChange={(event) => props.onChange(event.target.valueAsNumber)}
        className="figures w-20! text-right"
      />
      <span aria-hidden className="hidden h-1.5 w-24 overflow-hidden rounded-full bg-line sm:block">
        <span className="block h-full rounded-full bg-accent" style={{ width: `${props.share}%` }} />
      </span>
      <span className="figures w-14 text-right text-ink-faint">
        {props.value === 0 ? t('weights.off') : `${props.share} %`}
      </span>
    </span>
  )
}
