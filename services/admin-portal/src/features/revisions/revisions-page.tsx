'use client'

import { policyEntities, policyHistoryDays } from '@gpt-load/contracts/policy-entities'
import type { PolicyRevision } from '@gpt-load/contracts/api/rollback'
import { History, Undo2 } from 'lucide-react'
import dynamic from 'next/dynamic'
import { parseAsInteger, parseAsString, parseAsStringLiteral, useQueryStates } from 'nuqs'
import { useCallback } from 'react'
import { useApiList } from '../../client/api.ts'
import { useText } from '../../i18n/locale.tsx'
import { useGroupNames } from '../groups/use-group-names.ts'
import { Button } from '../../ui/button.tsx'
import { Choice } from '../../ui/choice.tsx'
import { DataTable } from '../../ui/data-table.tsx'
import { DateTime } from '../../ui/moment.tsx'
import { NothingFound } from '../../ui/nothing-found.tsx'
import { PageHeader } from '../../ui/page.tsx'
import { rowsOf } from '../../ui/rows-of.ts'
import { SearchField } from '../../ui/search-field.tsx'
import { EmptyState } from '../../ui/states.tsx'
import type { Column } from '../../ui/table-columns.ts'

const RollbackDialog = dynamic(async () => (await import('./rollback-dialog.tsx')).RollbackDialog, { ssr: false })

const filters = {
  actor: parseAsString.withDefault(''),
  entity: parseAsStringLiteral(['', ...policyEntities]).withDefault(''),
  to: parseAsInteger,
}

/** What settings, groups and access keys were, and the way back. */
export function RevisionsPage() {
  const { t, format } = useText()
  const [{ actor, entity, to }, setUrl] = useQueryStates(filters, { history: 'push' })
  const query = { ...(actor !== '' && { actor }), ...(entity !== '' && { entity }) }
  const list = useApiList('GET /api/v1/policy-revisions', { query }, { refreshMs: 10_000 })
  const setActor = useCallback((value: string) => void setUrl({ actor: value }, { history: 'replace' }), [setUrl])
  const columns = useColumns((revision) => void setUrl({ to: revision }))
  return (
    <>
      <PageHeader
        title={t('nav.revisions')}
        description={t('revisions.about', { days: format.number(policyHistoryDays) })}
      />
      <DataTable
        label={t('nav.revisions')}
        name="revisions"
        toolbar={
          <>
            <SearchField label={t('audit.search')} value={actor} onChange={setActor} />
            <Choice
              label={t('revisions.entity')}
              value={entity}
              options={[
                ['', t('revisions.everything')],
                ...policyEntities.map((each) => [each, t(`revisions.of.${each}`)] as const),
              ]}
              onChange={(value) => void setUrl({ entity: value })}
            />
          </>
        }
        columns={columns}
        {...rowsOf(list)}
        rowKey={({ revision }) => revision}
        rowHeight={52}
        isMarked={({ revision }) => revision === to}
        empty={
          actor === '' && entity === '' ? (
            <EmptyState
              icon={<History aria-hidden className="size-5" />}
              title={t('revisions.emptyTitle')}
              text={t('revisions.emptyText')}
            />
          ) : (
            <NothingFound onClear={() => void setUrl({ actor: '', entity: '' })} />
          )
        }
      />
      {to !== null && <RollbackDialog revision={to} onClose={() => void setUrl({ to: null })} />}
    </>
  )
}

/** Changes of one revision that fit beside each other. */
const changesShown = 2

function useColumns(onOpen: (revision: number) => void): Column<PolicyRevision>[] {
  const { t, format } = useText()
  return [
    {
      id: 'revision',
      header: t('edges.revision'),
      isFixed: true,
      width: '96px',
      isNumber: true,
      cell: ({ revision }) => format.number(revision),
    },
    { id: 'time', header: t('logs.time'), width: '210px', from: 'sm', cell: ({ at }) => <DateTime at={at} /> },
    {
      id: 'actor',
      header: t('audit.actor'),
      width: '18%',
      from: 'md',
      cell: ({ changes }) => [...new Set(changes.map(({ actor }) => actor))].join(', ') || '–',
    },
    { id: 'changes', header: t('revisions.changes'), cell: ({ changes }) => <Changes changes={changes} /> },
    {
      id: 'actions',
      header: <span className="sr-only">{t('common.actions')}</span>,
      width: '118px',
      cell: ({ revision }) => (
        <Button
          size="small"
          aria-label={t('revisions.backTo', { revision: format.number(revision) })}
          onClick={() => onOpen(revision)}
        >
          <Undo2 aria-hidden className="size-3.5" />
          {t('revisions.back')}
        </Button>
      ),
    },
  ]
}

function Changes({ changes }: Pick<PolicyRevision, 'changes'>) {
  const { format } = useText()
  const nameOf = useGroupNames()
  if (changes.length === 0) return <span className="text-ink-faint">–</span>
  return (
    <span className="block leading-tight">
      {changes.slice(0, changesShown).map(({ action, entity, entity_id: id }, index) => (
        <span key={index} className="block truncate font-mono text-[12.5px]">
          {action} {entity === 'group' ? nameOf(Number(id)) : id}
          {index === changesShown - 1 && changes.length > changesShown && (
            <span className="figures text-ink-faint"> +{format.number(changes.length - changesShown)}</span>
          )}
        </span>
      ))}
    </span>
  )
}
