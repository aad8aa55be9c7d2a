'use client'

import { Tabs as Base } from '@base-ui/react/tabs'
import type { ReactNode } from 'react'

export type TabItem = { value: string; label: string; count?: string; content: () => ReactNode }

/** The chosen tab is in the URL: the caller keeps it there. */
export function Tabs(props: { value: string; onChange: (value: string) => void; items: readonly TabItem[] }) {
  return (
    <Base.Root value={props.value} onValueChange={(value) => props.onChange(String(value))}>
      <Base.List className="quiet-scroll mb-4 flex gap-5 overflow-x-auto border-b border-line">
        {props.items.map(({ value, label, count }) => (
          <Base.Tab
            key={value}
            value={value}
            className="-mb-px flex h-9 items-center gap-1.5 border-b-2 border-transparent px-0.5 whitespace-nowrap text-ink-soft hover:text-ink data-active:border-accent data-active:font-medium data-active:text-ink"
          >
            {label}
            {count !== undefined && <span className="figures text-xs font-normal text-ink-faint">{count}</span>}
          </Base.Tab>
        ))}
      </Base.List>
      {props.items.map(({ value, content }) => (
        <Base.Panel key={value} value={value} className="outline-none">
          {content()}
        </Base.Panel>
      ))}
    </Base.Root>
  )
}
