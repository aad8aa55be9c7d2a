'use client'

import type { ReactNode } from 'react'
import { useFormContext, useWatch } from 'react-hook-form'
import { ManagedTag, ManagedWarning } from './managed-field.tsx'
import type { RulesValues } from './rules-form.ts'

/** One kind of rules: what it is for, its rows, a way to add one. */
export function RuleSection(props: {
  title: string
  /** The file that manages these rules. */
  owner: string | null
  isChanged: boolean
  about: ReactNode
  none: string
  isEmpty: boolean
  add: ReactNode
  children: ReactNode
}) {
  return (
    <section className="overflow-hidden rounded-lg border border-line bg-surface">
      <header className="flex flex-wrap items-start gap-x-4 gap-y-2 border-b border-line px-4 py-3">
        <div className="min-w-0 flex-1 basis-72">
          <div className="flex flex-wrap items-center gap-2">
            <h2 className="text-[15px] font-semibold">{props.title}</h2>
            <ManagedTag owner={props.owner} />
          </div>
          <div className="mt-0.5 text-[13px] text-ink-faint text-pretty">{props.about}</div>
          {props.isChanged && <ManagedWarning owner={props.owner} />}
        </div>
        {props.add}
      </header>
      {props.isEmpty && <p className="px-4 py-4 text-ink-faint">{props.none}</p>}
      {props.children}
    </section>
  )
}

/** Whether rows came, went, moved or were edited: the form's own marks of a list miss what is gone. */
export function useIsChanged(name: keyof RulesValues): boolean {
  const { control, formState } = useFormContext<RulesValues>()
  const value = useWatch({ control, name })
  return JSON.stringify(value) !== JSON.stringify(formState.defaultValues?.[name])
}

/** What is wrong with a row, below it. */
export function RowProblem({ texts }: { texts: readonly (string | undefined)[] }) {
  const shown = texts.filter((text) => text !== undefined)
  if (shown.length === 0) return null
  return (
    <p role="alert" className="w-full text-[13px] text-bad">
      {shown.join(' · ')}
    </p>
  )
}
