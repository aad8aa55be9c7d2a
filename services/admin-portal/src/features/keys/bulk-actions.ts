'use client'

import { maxKeysPerRequest } from '@gpt-load/contracts/api/key'
import type { KeyFilter } from '@gpt-load/contracts/api/key'
import type { KeyExportContent, Task } from '@gpt-load/contracts/api/task'
import { toast } from 'sonner'
import { api, useChange } from '../../client/api.ts'
import { useText } from '../../i18n/locale.tsx'
import { describeError } from '../../ui/states.tsx'
import { watchTask } from '../tasks/task-store.ts'
import type { Disabling } from './key-actions.ts'

/** Keys that were ticked one by one, or whatever the filter matches, seen here or not. */
export type ChosenKeys = { ids: readonly number[] } | { filter: KeyFilter }

export type BulkChange =
  | { action: 'test' | 'restore' | 'enable' | 'delete' }
  | ({ action: 'disable' } & Disabling)
  | { action: 'copy' | 'move'; toGroupId: number }
  | { action: 'export'; content: KeyExportContent }

type Selection = { ids: number[] } | { filter: KeyFilter }

/** Each is a task of the server: it goes on when the page is left. */
export function useBulkChange(groupId: number, onStarted: () => void) {
  const { t } = useText()
  return useChange(
    async ({ chosen, change }: { chosen: ChosenKeys; change: BulkChange }) => {
      for (const selection of requestsOf(chosen)) watchTask((await start(groupId, selection, change)).id)
    },
    {
      onDone: (_, { change: { action } }) => {
        const task = t(`tasks.kind.${action === 'test' ? 'validate' : action}`)
        toast.success(t('keys.taskStarted', { task }), { description: t('keys.taskStartedText') })
        onStarted()
      },
      onFailed: (error) => toast.error(describeError(error, t)),
    },
  )
}

/** The API takes so many ids at a time. */
function requestsOf(chosen: ChosenKeys): Selection[] {
  if ('filter' in chosen) return [chosen]
  const parts: Selection[] = []
  for (let start = 0; start < chosen.ids.length; start += maxKeysPerRequest)
    parts.push({ ids: chosen.ids.slice(start, start + maxKeysPerRequest) })
  return parts
}

async function start(id: number, selection: Selection, change: BulkChange): Promise<Task> {
  const input = { params: { id }, body: selection }
  switch (change.action) {
    case 'test':
      return (await api('POST /api/v1/groups/{id}/keys/validate', input)).data
    case 'restore':
      return (await api('POST /api/v1/groups/{id}/keys/restore', input)).data
    case 'enable':
      return (await api('POST /api/v1/groups/{id}/keys/enable', input)).data
    case 'delete':
      return (await api('POST /api/v1/groups/{id}/keys/delete', input)).data
    case 'export':
      return (
        await api('POST /api/v1/groups/{id}/keys/export-task', {
          ...input,
          body: { ...selection, content: change.content },
        })
      ).data
    case 'disable': {
      const { note, until } = change
      return (await api('POST /api/v1/groups/{id}/keys/disable', { ...input, body: { ...selection, note, until } }))
        .data
    }
    case 'copy':
    case 'move': {
      const into = { ...input, body: { ...selection, to_group_id: change.toGroupId } }
      return change.action === 'copy'
        ? (await api('POST /api/v1/groups/{id}/keys/copy', into)).data
        : (await api('POST /api/v1/groups/{id}/keys/move', into)).data
    }
  }
}
