import type { ReactNode } from 'react'

/** A choice behind an icon: the platform's own list, which costs nothing and is right on phones. */
export function IconSelect<Value extends string>(props: {
  label: string
  icon: ReactNode
  value: Value
  options: readonly (readonly [value: Value, text: string])[]
  onChange: (value: Value) => void
}) {
  return (
    <span
      title={props.label}
      className="relative grid size-8 place-items-center rounded-md text-ink-soft outline-offset-1 outline-accent hover:bg-line/60 hover:text-ink has-focus-visible:outline-2"
    >
      {props.icon}
      <select
        aria-label={props.label}
        value={props.value}
        onChange={(event) => {
          const chosen = props.options.find(([value]) => value === event.target.value)
          if (chosen !== undefined) props.onChange(chosen[0])
        }}
        className="absolute inset-0 cursor-pointer appearance-none opacity-0"
      >
        {props.options.map(([value, text]) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </select>
    </span>
  )
}
