'use client'

import type { Key, KeyFilter } from '@gpt-load/contracts/api/key'
import { useCallback, useEffect, useMemo, useState } from 'react'
import type { ChosenKeys } from './bulk-actions.ts'

type State = { ids: ReadonlySet<number>; isEverything: boolean }
const none: State = { ids: new Set(), isEverything: false }

/**
 * Ticked keys, or everything that the filter matches: then also keys that are not loaded, and those that match it later. Another
 * filter is another choice; keys that are no longer in the list are no longer chosen.
 */
export function useSelection(items: readonly Key[], filter: KeyFilter) {
  const [state, setState] = useState(none)
  const { ids, isEverything } = state
  const filterText = JSON.stringify(filter)
  useEffect(() => setState(none), [filterText])
  const present = useMemo(() => items.filter(({ id }) => ids.has(id)), [items, ids])
  useEffect(() => {
    if (present.length < ids.size) setState((before) => ({ ...before, ids: new Set(present.map(({ id }) => id)) }))
  }, [present, ids])
  const select = useCallback(
    (changed: readonly number[], isOn: boolean) =>
      setState((before) => {
        const after = new Set(before.isEverything ? items.map(({ id }) => id) : before.ids)
        for (const id of changed) {
          if (isOn) after.add(id)
          else after.delete(id)
        }
        return { ids: after, isEverything: false }
      }),
    [items],
  )
  const selectEverything = useCallback(() => setState({ ids: new Set(), isEverything: true }), [])
  const clear = useCallback(() => setState(none), [])
  const has = useCallback((id: number) => isEverything || ids.has(id), [ids, isEverything])
  const chosen: ChosenKeys = isEverything ? { filter } : { ids: [...ids] }
  return { has, select, selectEverything, clear, chosen, isEverything, count: ids.size }
}
