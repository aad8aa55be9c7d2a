'use client'

import type { AccessKey } from '@gpt-load/contracts/api/access-key'
import { KeyRound, Plus } from 'lucide-react'
import dynamic from 'next/dynamic'
import { parseAsBoolean, parseAsInteger, parseAsString, useQueryStates } from 'nuqs'
import { useCallback, useState } from 'react'
import { toast } from 'sonner'
import { api, useApi, useApiList, useChange } from '../../client/api.ts'
import { useText } from '../../i18n/locale.tsx'
import { Button } from '../../ui/button.tsx'
import { DataTable } from '../../ui/data-table.tsx'
import { rowsOf } from '../../ui/rows-of.ts'
import { ConfirmByName } from '../../ui/confirm-by-name.tsx'
import { NothingFound } from '../../ui/nothing-found.tsx'
import { PageHeader } from '../../ui/page.tsx'
import { SearchField } from '../../ui/search-field.tsx'
import { describeError, EmptyState } from '../../ui/states.tsx'
import { ownerOfField } from '../groups/file-owner.ts'
import { GroupSelect } from '../groups/group-select.tsx'
import { useAccessKeyColumns } from './access-key-columns.tsx'

const AccessKeyForm = dynamic(async () => (await import('./access-key-form.tsx')).AccessKeyForm, { ssr: false })

const filters = {
  search: parseAsString.withDefault(''),
  group: parseAsInteger,
  create: parseAsBoolean.withDefault(false),
  edit: parseAsInteger,
}

export function AccessKeysPage() {
  const { t } = useText()
  const [{ search, group, create, edit }, setUrl] = useQueryStates(filters, { history: 'push' })
  const list = useApiList('GET /api/v1/access-keys', { query: { search, group_id: group ?? undefined } })
  const groups = useApi('GET /api/v1/groups', { query: { limit: 1_000 } })
  const edited = useApi('GET /api/v1/access-keys/{id}', { params: { id: edit ?? 0 } }, { isEnabled: edit !== null })
  const [deleting, setDeleting] = useState<AccessKey | null>(null)
  const onFailed = (error: unknown): void => void toast.error(describeError(error, t))
  const update = useChange(
    ({ id, revision, enabled }: AccessKey) =>
      api('PATCH /api/v1/access-keys/{id}', { params: { id }, revision, body: { enabled: !enabled } }),
    {
      onFailed,
      onDone: ({ data }) => {
        const owner = ownerOfField(data, 'enabled')
        if (owner !== null) toast.warning(t('managed.edit', { owner }))
      },
    },
  )
  const remove = useChange(
    ({ id, revision }: AccessKey) => api('DELETE /api/v1/access-keys/{id}', { params: { id }, revision }),
    {
      onFailed,
      onDone: (_, { name }) => {
        setDeleting(null)
        toast.success(t('accessKeys.deleted', { name }))
      },
    },
  )
  const columns = useAccessKeyColumns({
    groups: groups.data?.items ?? [],
    onEdit: ({ id }) => void setUrl({ edit: id }),
    onToggle: (item) => update.mutate(item),
    onDelete: setDeleting,
  })
  const setSearch = useCallback((value: string) => void setUrl({ search: value }, { history: 'replace' }), [setUrl])
  const createButton = (
    <Button kind="primary" onClick={() => void setUrl({ create: true })}>
      <Plus aria-hidden className="size-4" />
      {t('accessKeys.create')}
    </Button>
  )
  return (
    <>
      <PageHeader title={t('nav.accessKeys')} description={t('accessKeys.about')} actions={createButton} />
      <DataTable
        label={t('nav.accessKeys')}
        name="access-keys"
        toolbar={
          <>
            <SearchField label={t('accessKeys.search')} value={search} onChange={setSearch} />
            <GroupSelect
              label={t('accessKeys.opens')}
              all={t('filter.allGroups')}
              groups={groups.data?.items ?? []}
              value={group}
              onChange={(id) => void setUrl({ group: id })}
            />
          </>
        }
        columns={columns}
        {...rowsOf(list)}
        rowKey={({ id }) => id}
        rowHeight={52}
        empty={
          search !== '' || group !== null ? (
            <NothingFound onClear={() => void setUrl({ search: '', group: null })} />
          ) : (
            <EmptyState
              icon={<KeyRound aria-hidden className="size-5" />}
              title={t('accessKeys.emptyTitle')}
              text={t('accessKeys.emptyText')}
              action={createButton}
            />
          )
        }
      />
      {create && <AccessKeyForm groups={groups.data?.items ?? []} onClose={() => void setUrl({ create: null })} />}
      {edit !== null && edited.data?.id === edit && (
        <AccessKeyForm
          item={edited.data}
          groups={groups.data?.items ?? []}
          onClose={() => void setUrl({ edit: null })}
        />
      )}
      {deleting !== null && (
        <ConfirmByName
          title={t('accessKeys.delete')}
          description={t('accessKeys.deleteText')}
          name={deleting.name}
          action={t('accessKeys.delete')}
          isBusy={remove.isPending}
          onConfirm={() => remove.mutate(deleting)}
          onClose={() => setDeleting(null)}
        />
      )}
    </>
  )
}
