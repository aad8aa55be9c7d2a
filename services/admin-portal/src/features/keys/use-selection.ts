'use client'

import type { Key, KeyFilter } from '@gpt-load/contracts/api/key'
import type { RowSelectionState } from '@tanstack/react-table'
import { useCallback, useEffect, useMemo, useState } from 'react'
import type { ChosenKeys } from './bulk-actions.ts'

type State = { ids: RowSelectionState; isEverything: boolean }
const none: State = { ids: {}, isEverything: false }

/**
 * Ticked keys, or everything that the filter matches: then also keys that are not loaded, and those that match it later. Another
 * filter is another choice; keys that are no longer in the list are no longer chosen.
 */
export function useSelection(items: readonly Key[], filter: KeyFilter) {
  const [{ ids, isEverything }, setState] = useState(none)
  const filterText = JSON.stringify(filter)
  useEffect(() => setState(none), [filterText])
  const shown = useMemo(
    (): RowSelectionState =>
      isEverything ? only(items, () => true) : only(items, ({ id }) => ids[String(id)] === true),
    [items, ids, isEverything],
  )
  const count = Object.keys(shown).length
  useEffect(() => {
    if (!isEverything && count < Object.keys(ids).length) setState({ ids: shown, isEverything: false })
  }, [shown, count, ids, isEverything])
  const select = useCallback((chosen: RowSelectionState) => setState({ ids: chosen, isEverything: false }), [])
  const selectEverything = useCallback(() => setState({ ids: {}, isEverything: true }), [])
  const clear = useCallback(() => setState(none), [])
  const chosen: ChosenKeys = isEverything ? { filter } : { ids: Object.keys(shown).map(Number) }
  return { shown, select, selectEverything, clear, chosen, isEverything, count }
}

function only(items: readonly Key[], isChosen: (key: Key) => boolean): RowSelectionState {
  return Object.fromEntries(items.filter(isChosen).map(({ id }) => [String(id), true] as const))
}
