'use client'

import type { Task } from '@gpt-load/contracts/api/task'
import { taskKinds, taskStates } from '@gpt-load/contracts/task-state'
import { ListChecks } from 'lucide-react'
import dynamic from 'next/dynamic'
import { parseAsInteger, parseAsString, parseAsStringLiteral, useQueryStates } from 'nuqs'
import { useCallback } from 'react'
import { useApi, useApiList } from '../../client/api.ts'
import { useText } from '../../i18n/locale.tsx'
import { Choice } from '../../ui/choice.tsx'
import { DataTable } from '../../ui/data-table.tsx'
import { NothingFound } from '../../ui/nothing-found.tsx'
import { PageHeader } from '../../ui/page.tsx'
import { rowsOf } from '../../ui/rows-of.ts'
import { SearchField } from '../../ui/search-field.tsx'
import { EmptyState } from '../../ui/states.tsx'
import { GroupSelect } from '../groups/group-select.tsx'
import { useTaskColumns } from './task-columns.tsx'

const TaskDrawer = dynamic(async () => (await import('./task-drawer.tsx')).TaskDrawer, { ssr: false })

const filters = {
  search: parseAsString.withDefault(''),
  kind: parseAsStringLiteral(taskKinds),
  state: parseAsStringLiteral(taskStates),
  group: parseAsInteger,
  task: parseAsInteger,
}
const refreshMs = 2_000

/** What was done, and is being done, to many keys at once. */
export function TasksPage() {
  const { t } = useText()
  const [{ search, kind, state, group, task }, setUrl] = useQueryStates(filters, { history: 'push' })
  const list = useApiList(
    'GET /api/v1/tasks',
    {
      query: {
        search: search === '' ? undefined : search,
        kind: kind === null ? undefined : [kind],
        state: state === null ? undefined : [state],
        group_id: group ?? undefined,
      },
    },
    { refreshMs },
  )
  const groups = useApi('GET /api/v1/groups', { query: { limit: 1_000 } })
  const columns = useTaskColumns((id) => void setUrl({ task: id }))
  const setSearch = useCallback((value: string) => void setUrl({ search: value }, { history: 'replace' }), [setUrl])
  const isFiltered = search !== '' || kind !== null || state !== null || group !== null
  return (
    <>
      <PageHeader title={t('nav.tasks')} description={t('tasks.about')} />
      <DataTable<Task>
        label={t('nav.tasks')}
        name="tasks"
        toolbar={
          <>
            <SearchField label={t('tasks.search')} value={search} onChange={setSearch} />
            <GroupSelect
              label={t('tasks.group')}
              all={t('filter.allGroups')}
              groups={groups.data?.items ?? []}
              value={group}
              onChange={(id) => void setUrl({ group: id })}
            />
            <Choice
              label={t('tasks.kind')}
              value={kind ?? ''}
              options={[
                ['', t('tasks.allKinds')],
                ...taskKinds.map((each) => [each, t(`tasks.kind.${each}`)] as const),
              ]}
              onChange={(value) => void setUrl({ kind: value || null })}
            />
            <Choice
              label={t('tasks.state')}
              value={state ?? ''}
              options={[
                ['', t('tasks.allStates')],
                ...taskStates.map((each) => [each, t(`tasks.state.${each}`)] as const),
              ]}
              onChange={(value) => void setUrl({ state: value || null })}
            />
          </>
        }
        columns={columns}
        {...rowsOf(list)}
        rowKey={({ id }) => id}
        rowHeight={52}
        isMarked={({ id }) => id === task}
        empty={
          isFiltered ? (
            <NothingFound onClear={() => void setUrl({ search: '', kind: null, state: null, group: null })} />
          ) : (
            <EmptyState
              icon={<ListChecks aria-hidden className="size-5" />}
              title={t('tasks.emptyTitle')}
              text={t('tasks.emptyText')}
            />
          )
        }
      />
      {task !== null && <TaskDrawer id={task} onClose={() => void setUrl({ task: null })} />}
    </>
  )
}
