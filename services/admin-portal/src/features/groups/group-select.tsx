'use client'

import type { Group } from '@gpt-load/contracts/api/group'
import { Select } from '../../ui/field.tsx'

/** Narrows a list to one group. */
export function GroupSelect(props: {
  label: string
  all: string
  groups: readonly Pick<Group, 'id' | 'name'>[]
  value: number | null
  onChange: (id: number | null) => void
}) {
  return (
    <Select
      aria-label={props.label}
      className="w-auto! max-w-56"
      value={props.value ?? ''}
      onChange={(event) => props.onChange(event.target.value === '' ? null : Number(event.target.value))}
    >
      <option value="">{props.all}</option>
      {props.groups.map(({ id, name }) => (
        <option key={id} value={id}>
          {name}
        </option>
      ))}
    </Select>
  )
}
