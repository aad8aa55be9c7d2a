'use client'

import type { Group } from '@gpt-load/contracts/api/group'
import type { Key } from '@gpt-load/contracts/api/key'
import { keyStates } from '@gpt-load/contracts/key-state'
import { KeyRound, Plus } from 'lucide-react'
import dynamic from 'next/dynamic'
import {
  parseAsArrayOf,
  parseAsBoolean,
  parseAsInteger,
  parseAsString,
  parseAsStringLiteral,
  useQueryStates,
} from 'nuqs'
import { useCallback, useEffect, useMemo, useState } from 'react'
import { useApiList } from '../../client/api.ts'
import { useText } from '../../i18n/locale.tsx'
import { Button } from '../../ui/button.tsx'
import { DataTable } from '../../ui/data-table.tsx'
import { rowsOf } from '../../ui/rows-of.ts'
import { Toolbar } from '../../ui/page.tsx'
import { SearchField } from '../../ui/search-field.tsx'
import { EmptyState } from '../../ui/states.tsx'
import { NothingFound } from '../../ui/nothing-found.tsx'
import { useKeyActions } from './key-actions.ts'
import { DeleteKeys, DisableKeys } from './key-dialogs.tsx'
import { useKeyColumns } from './key-columns.tsx'
import { SelectionBar } from './selection-bar.tsx'
import { StateFilter } from './state-filter.tsx'

const AddKeys = dynamic(async () => (await import('./add-keys.tsx')).AddKeys, { ssr: false })
const KeyDrawer = dynamic(async () => (await import('./key-drawer.tsx')).KeyDrawer, { ssr: false })

const filters = {
  state: parseAsArrayOf(parseAsStringLiteral(keyStates)).withDefault([]),
  search: parseAsString.withDefault(''),
  key: parseAsInteger,
  add: parseAsBoolean.withDefault(false),
}
const pageItems = 500

export function KeysTab({ group }: { group: Group }) {
  const { t } = useText()
  const [{ state, search, key, add }, setUrl] = useQueryStates(filters, { history: 'push' })
  const list = useApiList(
    'GET /api/v1/groups/{id}/keys',
    {
      params: { id: group.id },
      query: {
        search: search === '' ? undefined : search,
        state: state.length === 0 ? undefined : state,
        limit: pageItems,
      },
    },
    { refreshMs: 10_000 },
  )
  const { selected, select, clear, chosen } = useSelection(list.items)
  const { run, progress } = useKeyActions()
  const [asking, setAsking] = useState<{ action: 'disable' | 'delete'; keys: readonly Key[] } | null>(null)
  const start = useCallback(
    (action: Parameters<typeof run>[0], keys: readonly Key[]) => {
      if (action === 'delete' || action === 'disable') setAsking({ action, keys })
      else void run(action, keys)
    },
    [run],
  )
  const openKey = useCallback((id: number) => void setUrl({ key: id }), [setUrl])
  const columns = useKeyColumns({ items: list.items, selected, select, onAction: start, onOpen: openKey })
  const setSearch = useCallback((value: string) => void setUrl({ search: value }, { history: 'replace' }), [setUrl])
  const addButton = (
    <Button kind="primary" onClick={() => void setUrl({ add: true })}>
      <Plus aria-hidden className="size-4" />
      {t('keys.add')}
    </Button>
  )
  const known =
    state.length === 0 ? group.key_counts.total : state.reduce((sum, each) => sum + group.key_counts[each], 0)
  return (
    <>
      <Toolbar>
        <SearchField label={t('keys.search')} value={search} onChange={setSearch} />
        <StateFilter counts={group.key_counts} chosen={state} onChange={(value) => void setUrl({ state: value })} />
        <span className="ml-auto">{addButton}</span>
      </Toolbar>
      <DataTable
        label={t('tab.keys')}
        columns={columns}
        {...rowsOf(list)}
        rowKey={({ id }) => id}
        rowHeight={52}
        {...(search === '' ? { total: Math.max(known, list.items.length) } : {})}
        isMarked={({ id }) => selected.has(id)}
        empty={
          group.key_counts.total > 0 ? (
            <NothingFound onClear={() => void setUrl({ search: '', state: [] })} />
          ) : (
            <EmptyState
              icon={<KeyRound aria-hidden className="size-5" />}
              title={t('keys.emptyTitle')}
              text={t('keys.emptyText')}
              action={addButton}
            />
          )
        }
      />
      <SelectionBar
        count={chosen.length}
        progress={progress}
        onAction={(action) => start(action, chosen)}
        onClear={clear}
      />
      {add && <AddKeys group={group} onClose={() => void setUrl({ add: null })} />}
      {key !== null && <KeyDrawer id={key} onAction={start} onClose={() => void setUrl({ key: null })} />}
      {asking?.action === 'disable' && (
        <DisableKeys
          count={asking.keys.length}
          onClose={() => setAsking(null)}
          onConfirm={(disabling) => {
            setAsking(null)
            void run('disable', asking.keys, disabling)
          }}
        />
      )}
      {asking?.action === 'delete' && (
        <DeleteKeys
          keys={asking.keys}
          groupName={group.name}
          onClose={() => setAsking(null)}
          onConfirm={() => {
            setAsking(null)
            clear()
            if (asking.keys.some(({ id }) => id === key)) void setUrl({ key: null })
            void run('delete', asking.keys)
          }}
        />
      )}
    </>
  )
}

/** Keys that are no longer in the list are no longer chosen. */
function useSelection(items: readonly Key[]) {
  const [selected, setSelected] = useState<ReadonlySet<number>>(new Set())
  const chosen = useMemo(() => items.filter(({ id }) => selected.has(id)), [items, selected])
  useEffect(() => {
    if (chosen.length < selected.size) setSelected(new Set(chosen.map(({ id }) => id)))
  }, [chosen, selected])
  const select = useCallback((ids: readonly number[], isOn: boolean) => {
    setSelected((before) => {
      const after = new Set(before)
      for (const id of ids) {
        if (isOn) after.add(id)
        else after.delete(id)
      }
      return after
    })
  }, [])
  const clear = useCallback(() => setSelected(new Set()), [])
  return { selected, chosen, select, clear }
}
