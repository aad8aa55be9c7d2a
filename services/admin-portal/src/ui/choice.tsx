import { Select } from './field.tsx'

/** One of a few, beside a list: its label is for who cannot see it, its texts speak for themselves. */
export function Choice<Value extends string>(props: {
  label: string
  value: Value
  options: readonly (readonly [value: Value, text: string])[]
  onChange: (value: Value) => void
}) {
  return (
    <Select
      aria-label={props.label}
      className="w-auto!"
      value={props.value}
      onChange={(event) => {
        const chosen = props.options.find(([value]) => value === event.target.value)
        if (chosen !== undefined) props.onChange(chosen[0])
      }}
    >
      {props.options.map(([value, text]) => (
        <option key={value} value={value}>
          {text}
        </option>
      ))}
    </Select>
  )
}
