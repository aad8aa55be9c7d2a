import type { ReactNode } from 'react'

/** A few numbers beside each other, each under its name. */
export function Figures({ items }: { items: readonly (readonly [name: string, value: ReactNode, isBad?: boolean])[] }) {
  return (
    <dl className="grid grid-cols-[repeat(auto-fit,minmax(7.5rem,1fr))] gap-2">
      {items.map(([name, value, isBad]) => (
        <div key={name} className="rounded-lg bg-sunken px-3 py-2">
          <dt className="truncate text-[13px] text-ink-faint">{name}</dt>
          <dd className={`figures text-lg font-semibold ${isBad === true ? 'text-bad' : ''}`}>{value}</dd>
        </div>
      ))}
    </dl>
  )
}
