'use client'

import type { AdminToken } from '@gpt-load/contracts/api/admin-token'
import { Plus, TerminalSquare, Trash2 } from 'lucide-react'
import dynamic from 'next/dynamic'
import { parseAsBoolean, parseAsString, useQueryStates } from 'nuqs'
import { useCallback, useState } from 'react'
import { toast } from 'sonner'
import { api, useApiList, useChange } from '../../client/api.ts'
import { useNow } from '../../client/use-now.ts'
import { useText } from '../../i18n/locale.tsx'
import { StateMark, Tag } from '../../ui/badge.tsx'
import { Button, IconButton } from '../../ui/button.tsx'
import { DataTable } from '../../ui/data-table.tsx'
import type { Column } from '../../ui/table-columns.ts'
import { ConfirmByName } from '../../ui/confirm-by-name.tsx'
import { Moment } from '../../ui/moment.tsx'
import { NothingFound } from '../../ui/nothing-found.tsx'
import { PageHeader } from '../../ui/page.tsx'
import { rowsOf } from '../../ui/rows-of.ts'
import { SearchField } from '../../ui/search-field.tsx'
import { describeError, EmptyState } from '../../ui/states.tsx'

const TokenForm = dynamic(async () => (await import('./token-form.tsx')).TokenForm, { ssr: false })

const filters = { search: parseAsString.withDefault(''), create: parseAsBoolean.withDefault(false) }

/** What machines administer with. */
export function TokensPage() {
  const { t } = useText()
  const [{ search, create }, setUrl] = useQueryStates(filters, { history: 'push' })
  const list = useApiList('GET /api/v1/admin-tokens', { query: { search: search === '' ? undefined : search } })
  const [revoking, setRevoking] = useState<AdminToken | null>(null)
  const revoke = useChange(({ id }: AdminToken) => api('DELETE /api/v1/admin-tokens/{id}', { params: { id } }), {
    onDone: (_, { name }) => {
      setRevoking(null)
      toast.success(t('tokens.revoked', { name }))
    },
    onFailed: (error) => toast.error(describeError(error, t)),
  })
  const columns = useColumns(setRevoking)
  const setSearch = useCallback((value: string) => void setUrl({ search: value }, { history: 'replace' }), [setUrl])
  const createButton = (
    <Button kind="primary" onClick={() => void setUrl({ create: true })}>
      <Plus aria-hidden className="size-4" />
      {t('tokens.create')}
    </Button>
  )
  return (
    <>
      <PageHeader title={t('nav.tokens')} description={t('tokens.about')} actions={createButton} />
      <DataTable
        label={t('nav.tokens')}
        name="tokens"
        toolbar={<SearchField label={t('tokens.search')} value={search} onChange={setSearch} />}
        columns={columns}
        {...rowsOf(list)}
        rowKey={({ id }) => id}
        rowHeight={52}
        empty={
          search === '' ? (
            <EmptyState
              icon={<TerminalSquare aria-hidden className="size-5" />}
              title={t('tokens.emptyTitle')}
              text={t('tokens.emptyText')}
              action={createButton}
            />
          ) : (
            <NothingFound onClear={() => void setUrl({ search: '' })} />
          )
        }
      />
      {create && <TokenForm onClose={() => void setUrl({ create: null })} />}
      {revoking !== null && (
        <ConfirmByName
          title={t('tokens.revoke')}
          description={t('tokens.revokeText')}
          name={revoking.name}
          action={t('tokens.revoke')}
          isBusy={revoke.isPending}
          onConfirm={() => revoke.mutate(revoking)}
          onClose={() => setRevoking(null)}
        />
      )}
    </>
  )
}

function useColumns(onRevoke: (token: AdminToken) => void): Column<AdminToken>[] {
  const { t } = useText()
  return [
    {
      id: 'name',
      header: t('tokens.name'),
      isFixed: true,
      cell: ({ name, hint }) => (
        <>
          <span className="block truncate font-medium">{name}</span>
          <span className="block truncate font-mono text-xs text-ink-faint">{hint}</span>
        </>
      ),
    },
    {
      id: 'scopes',
      header: t('tokens.scopes'),
      width: '30%',
      from: 'sm',
      cell: ({ scopes }) => (
        <span className="flex gap-1">
          {scopes.map((scope) => (
            <Tag key={scope}>{t(`tokens.scope.${scope}`)}</Tag>
          ))}
        </span>
      ),
    },
    {
      id: 'expires',
      header: t('tokens.expiresAt'),
      width: '140px',
      cell: ({ expires_at: at }) => <Expiry at={at} />,
    },
    {
      id: 'used',
      header: t('tokens.lastUsed'),
      width: '130px',
      from: 'md',
      cell: ({ last_used_at: at }) => (
        <span className="text-ink-faint">{at === null ? t('tokens.unused') : <Moment at={at} />}</span>
      ),
    },
    {
      id: 'by',
      header: t('tokens.by'),
      width: '130px',
      from: 'lg',
      cell: ({ created_by: by }) => <span className="text-ink-faint">{by}</span>,
    },
    {
      id: 'actions',
      header: <span className="sr-only">{t('common.actions')}</span>,
      width: '56px',
      cell: (token) => (
        <IconButton label={`${t('tokens.revoke')}: ${token.name}`} onClick={() => onRevoke(token)}>
          <Trash2 aria-hidden className="size-4" />
        </IconButton>
      ),
    },
  ]
}

function Expiry({ at }: { at: string | null }) {
  const { t } = useText()
  const now = useNow()
  if (at === null) return <span className="text-ink-faint">{t('tokens.never')}</span>
  if (Date.parse(at) <= now) return <StateMark tone="bad">{t('accessKeys.expired')}</StateMark>
  return <Moment at={at} />
}
