'use client'

import type { Group } from '@gpt-load/contracts/api/group'
import type { Key, KeyFilter } from '@gpt-load/contracts/api/key'
import { keyStates } from '@gpt-load/contracts/key-state'
import { KeyRound, Upload } from 'lucide-react'
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
import { NothingFound } from '../../ui/nothing-found.tsx'
import { rowsOf } from '../../ui/rows-of.ts'
import { SearchField } from '../../ui/search-field.tsx'
import { EmptyState } from '../../ui/states.tsx'
import { useBulkChange } from './bulk-actions.ts'
import type { AskedAction } from './bulk-dialogs.tsx'
import { CauseFilter, filterCauses, unusedDays, UseFilter } from './cause-filter.tsx'
import { useKeyAction } from './key-actions.ts'
import { useKeyColumns, type OnKeyAction } from './key-columns.tsx'
import { DeleteKeys, DisableKeys } from './key-dialogs.tsx'
import { SelectionBar, type BarAction } from './selection-bar.tsx'
import { StateFilter } from './state-filter.tsx'
import { useSelection } from './use-selection.ts'

const ImportKeys = dynamic(async () => (await import('./import-keys.tsx')).ImportKeys, { ssr: false })
const BulkDialogs = dynamic(async () => (await import('./bulk-dialogs.tsx')).BulkDialogs, { ssr: false })
const KeyDrawer = dynamic(async () => (await import('./key-drawer.tsx')).KeyDrawer, { ssr: false })

const filters = {
  state: parseAsArrayOf(parseAsStringLiteral(keyStates)).withDefault([]),
  search: parseAsString.withDefault(''),
  cause: parseAsStringLiteral(filterCauses),
  unused: parseAsStringLiteral(unusedDays),
  key: parseAsInteger,
  add: parseAsBoolean.withDefault(false),
}
const outStates = keyStates.filter((state) => state !== 'active')
const pageItems = 500

export function KeysTab({ group }: { group: Group }) {
  const { t } = useText()
  const [{ state, search, cause, unused, key, add }, setUrl] = useQueryStates(filters, { history: 'push' })
  const filter = useMemo(
    (): KeyFilter => ({
      // A key that is back may still tell why: a cause is looked for among those that are out.
      ...(state.length > 0 ? { state } : cause === null ? {} : { state: outStates }),
      ...(cause === null ? {} : { cause: [cause] }),
      ...(search === '' ? {} : { search }),
    }),
    [state, cause, search],
  )
  const use = useMemo(() => (unused === null ? {} : { unused_since: daysAgo(Number(unused)) }), [unused])
  const list = useApiList(
    'GET /api/v1/groups/{id}/keys',
    { params: { id: group.id }, query: { ...filter, ...use, limit: pageItems } },
    { refreshMs: 10_000 },
  )
  useSearchOn(list)
  const selection = useSelection(list.items, filter)
  const onKeyGone = useCallback(() => void setUrl({ key: null }), [setUrl])
  const single = useSingleKey(onKeyGone)
  const openKey = useCallback((id: number) => void setUrl({ key: id }), [setUrl])
  const columns = useKeyColumns({ onAction: single.onAction, onOpen: openKey })
  const setSearch = useCallback((value: string) => void setUrl({ search: value }, { history: 'replace' }), [setUrl])
  const importButton = (
    <Button kind="primary" onClick={() => void setUrl({ add: true })}>
      <Upload aria-hidden className="size-4" />
      {t('keys.import')}
    </Button>
  )
  const known =
    state.length === 0 ? group.key_counts.total : state.reduce((sum, each) => sum + group.key_counts[each], 0)
  const ofCause = group.keys_out.find((entry) => entry.cause === cause)?.keys ?? 0
  const counted = cause === null ? known : state.length === 0 ? ofCause : null
  const total = search === '' && unused === null && counted !== null ? Math.max(counted, list.items.length) : null
  return (
    <>
      <DataTable
        label={t('tab.keys')}
        name="keys"
        toolbar={
          <>
            <SearchField label={t('keys.search')} value={search} onChange={setSearch} />
            <CauseFilter keysOut={group.keys_out} chosen={cause} onChange={(value) => void setUrl({ cause: value })} />
            <UseFilter chosen={unused} onChange={(value) => void setUrl({ unused: value })} />
            <StateFilter counts={group.key_counts} chosen={state} onChange={(value) => void setUrl({ state: value })} />
          </>
        }
        action={importButton}
        columns={columns}
        {...rowsOf(list)}
        rowKey={({ id }) => id}
        rowHeight={52}
        {...(total === null ? {} : { total })}
        selection={{
          chosen: selection.shown,
          onChange: selection.select,
          label: ({ hint }) => t('keys.select', { hint }),
          labelOfAll: t('keys.selectAll'),
        }}
        empty={
          group.key_counts.total > 0 ? (
            <NothingFound onClear={() => void setUrl({ search: '', state: [], cause: null, unused: null })} />
          ) : (
            <EmptyState
              icon={<KeyRound aria-hidden className="size-5" />}
              title={t('keys.emptyTitle')}
              text={t('keys.emptyText')}
              action={importButton}
            />
          )
        }
      />
      <Selected group={group} selection={selection} total={total} isPart={list.hasNextPage && unused === null} />
      {add && <ImportKeys group={group} onClose={() => void setUrl({ add: null })} />}
      {key !== null && <KeyDrawer id={key} onAction={single.onAction} onClose={onKeyGone} />}
      {single.dialog}
    </>
  )
}

/** A page that had to look at many keys may hold none of those that are sought: the next one is asked for. */
function useSearchOn({ items, hasNextPage, isFetchingNextPage, fetchNextPage }: SearchedList): void {
  const isSearching = items.length === 0 && hasNextPage && !isFetchingNextPage
  useEffect(() => {
    if (isSearching) void fetchNextPage()
  }, [isSearching, fetchNextPage])
}

type SearchedList = {
  items: readonly unknown[]
  hasNextPage: boolean
  isFetchingNextPage: boolean
  fetchNextPage: () => unknown
}

function daysAgo(days: number): string {
  return new Date(Date.now() - days * 86_400_000).toISOString()
}

/** The bar over chosen keys, and what its actions ask. */
function Selected(props: {
  group: Group
  selection: ReturnType<typeof useSelection>
  /** null = only the server could count. */
  total: number | null
  isPart: boolean
}) {
  const { t, format } = useText()
  const { group, selection, total, isPart } = props
  const { chosen, clear, count, isEverything } = selection
  const [asking, setAsking] = useState<AskedAction | null>(null)
  const bulk = useBulkChange(group.id, clear)
  if (count === 0 && !isEverything) return null
  const everything =
    total === null ? t('keys.selectedMatching') : t('keys.selectedAll', { count: format.number(total) })
  const shownCount = isEverything
    ? total === null
      ? t('keys.selectedMatching')
      : format.number(total)
    : format.number(count)
  const onAction = (action: BarAction): void => {
    if (action === 'test' || action === 'restore' || action === 'enable') bulk.mutate({ chosen, change: { action } })
    else setAsking(action)
  }
  const widen = {
    text: total === null ? t('keys.chooseMatching') : t('keys.chooseAll', { count: format.number(total) }),
    onSelect: selection.selectEverything,
  }
  return (
    <>
      <SelectionBar
        text={isEverything ? everything : t('keys.selected', { count: format.number(count) })}
        widen={isPart && !isEverything ? widen : null}
        onAction={onAction}
        onClear={clear}
      />
      {asking !== null && (
        <BulkDialogs
          group={group}
          action={asking}
          chosen={chosen}
          count={shownCount}
          onStarted={() => {
            setAsking(null)
            clear()
          }}
          onClose={() => setAsking(null)}
        />
      )}
    </>
  )
}

/** Actions on one key, from its row or its drawer. */
function useSingleKey(onGone: () => void) {
  const perform = useKeyAction()
  const [asking, setAsking] = useState<{ action: 'disable' | 'delete'; key: Key } | null>(null)
  const onAction: OnKeyAction = (action, key) => {
    if (action === 'delete' || action === 'disable') setAsking({ action, key })
    else perform(action, key)
  }
  const close = (): void => setAsking(null)
  const common = { count: '1', isBusy: false, onClose: close }
  const dialog =
    asking === null ? null : asking.action === 'disable' ? (
      <DisableKeys
        {...common}
        onConfirm={(disabling) => {
          close()
          perform('disable', asking.key, disabling)
        }}
      />
    ) : (
      <DeleteKeys
        {...common}
        name={asking.key.hint}
        onConfirm={() => {
          close()
          onGone()
          perform('delete', asking.key)
        }}
      />
    )
  return { onAction, dialog }
}
