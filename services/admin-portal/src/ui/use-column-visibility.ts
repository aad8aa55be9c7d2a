import { functionalUpdate, type ColumnVisibilityState, type Updater } from '@tanstack/react-table'
import { useCallback, useMemo, useState } from 'react'
import { canHide, type Column } from './table-columns.ts'

/** What somebody has switched on or off in a table, kept in this browser under the table's name. */
export function useColumnVisibility<Row>(name: string | undefined, columns: readonly Column<Row>[]) {
  const [chosen, setChosen] = useState(() => read(name))
  const visibility = useMemo(
    (): ColumnVisibilityState =>
      Object.fromEntries(
        columns.map((column) => [column.id, !canHide(column) || (chosen[column.id] ?? column.isExtra !== true)]),
      ),
    [columns, chosen],
  )
  const onChange = useCallback(
    (updater: Updater<ColumnVisibilityState>) => {
      const next = functionalUpdate(updater, visibility)
      setChosen(next)
      if (name !== undefined) localStorage.setItem(storageKey(name), JSON.stringify(next))
    },
    [name, visibility],
  )
  const reset = useCallback(() => {
    setChosen({})
    if (name !== undefined) localStorage.removeItem(storageKey(name))
  }, [name])
  return { visibility, onChange, reset }
}

function storageKey(name: string): string {
  return `gpt-load-columns-${name}`
}

/** Whatever is in the storage: other versions of the portal, and people, have written there. */
function read(name: string | undefined): ColumnVisibilityState {
  const text = name === undefined ? null : localStorage.getItem(storageKey(name))
  try {
    const stored: unknown = JSON.parse(text ?? '{}')
    if (typeof stored !== 'object' || stored === null) return {}
    return Object.fromEntries(Object.entries(stored).filter(([, isShown]) => typeof isShown === 'boolean'))
  } catch {
    return {}
  }
}
