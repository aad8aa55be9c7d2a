'use client'

import type { AuditEntry } from '@gpt-load/contracts/api/audit'
import { ScrollText } from 'lucide-react'
import { parseAsInteger, parseAsString, useQueryStates } from 'nuqs'
import { useCallback } from 'react'
import { useApiList } from '../../client/api.ts'
import { useText } from '../../i18n/locale.tsx'
import { groupHref } from '../../shell/navigation.ts'
import { DataTable } from '../../ui/data-table.tsx'
import type { Column } from '../../ui/table-columns.ts'
import { rowsOf } from '../../ui/rows-of.ts'
import { Drawer, DrawerSection } from '../../ui/drawer.tsx'
import { Select } from '../../ui/field.tsx'
import { DateTime } from '../../ui/moment.tsx'
import { NothingFound } from '../../ui/nothing-found.tsx'
import { Facts, PageHeader } from '../../ui/page.tsx'
import { PageLink } from '../../ui/page-link.tsx'
import { SearchField } from '../../ui/search-field.tsx'
import { EmptyState } from '../../ui/states.tsx'
import { TimeButton } from '../../ui/time-button.tsx'

const filters = { actor: parseAsString.withDefault(''), entity: parseAsString.withDefault(''), entry: parseAsInteger }
const entities = ['group', 'key', 'access_key', 'setting', 'session', 'admin_token']

/** Who changed what. */
export function AuditPage() {
  const { t } = useText()
  const [{ actor, entity, entry }, setUrl] = useQueryStates(filters, { history: 'push' })
  const query = { actor: actor === '' ? undefined : actor, entity: entity === '' ? undefined : entity }
  const list = useApiList('GET /api/v1/audit', { query }, { refreshMs: 10_000 })
  const columns = useColumns((id) => void setUrl({ entry: id }))
  const setActor = useCallback((value: string) => void setUrl({ actor: value }, { history: 'replace' }), [setUrl])
  const opened = list.items.find(({ id }) => id === entry)
  return (
    <>
      <PageHeader title={t('nav.audit')} description={t('audit.about')} />
      <DataTable
        label={t('nav.audit')}
        name="audit"
        toolbar={
          <>
            <SearchField label={t('audit.search')} value={actor} onChange={setActor} />
            <Select
              aria-label={t('audit.entity')}
              className="w-auto!"
              value={entity}
              onChange={(event) => void setUrl({ entity: event.target.value })}
            >
              <option value="">{t('audit.all')}</option>
              {entities.map((each) => (
                <option key={each}>{each}</option>
              ))}
            </Select>
          </>
        }
        columns={columns}
        {...rowsOf(list)}
        rowKey={({ id }) => id}
        isMarked={({ id }) => id === entry}
        empty={
          actor === '' && entity === '' ? (
            <EmptyState
              icon={<ScrollText aria-hidden className="size-5" />}
              title={t('audit.emptyTitle')}
              text={t('audit.emptyText')}
            />
          ) : (
            <NothingFound onClear={() => void setUrl({ actor: '', entity: '' })} />
          )
        }
      />
      {opened !== undefined && <EntryDrawer entry={opened} onClose={() => void setUrl({ entry: null })} />}
    </>
  )
}

function useColumns(onOpen: (id: number) => void): Column<AuditEntry>[] {
  const { t, format } = useText()
  return [
    {
      id: 'time',
      header: t('logs.time'),
      isFixed: true,
      width: '168px',
      narrowWidth: '146px',
      cell: ({ id, at }) => <TimeButton at={at} onOpen={() => onOpen(id)} />,
    },
    { id: 'actor', header: t('audit.actor'), width: '22%', cell: ({ actor }) => actor },
    {
      id: 'action',
      header: t('audit.action'),
      width: '24%',
      narrowWidth: 'auto',
      cell: ({ action }) => <code className="font-mono text-[12.5px]">{action}</code>,
    },
    { id: 'entity', header: t('audit.entity'), width: '130px', from: 'md', cell: (entry) => <Entity entry={entry} /> },
    {
      id: 'detail',
      header: t('audit.detail'),
      from: 'md',
      cell: ({ detail }) => <span className="text-ink-faint">{Object.keys(detail).join(', ')}</span>,
    },
    {
      id: 'revision',
      header: t('edges.revision'),
      width: '100px',
      isNumber: true,
      from: 'sm',
      cell: ({ revision }) => format.number(revision),
    },
  ]
}

function Entity({ entry }: { entry: AuditEntry }) {
  const name = entry.entity_id === '' ? entry.entity : `${entry.entity} ${entry.entity_id}`
  const href =
    entry.entity === 'group'
      ? groupHref(Number(entry.entity_id))
      : entry.entity === 'access_key'
        ? `/access-keys/?edit=${entry.entity_id}`
        : null
  if (href === null || !/^\d+$/.test(entry.entity_id)) return name
  return (
    <PageLink href={href} className="text-accent hover:underline">
      {name}
    </PageLink>
  )
}

function EntryDrawer({ entry, onClose }: { entry: AuditEntry; onClose: () => void }) {
  const { t, format } = useText()
  return (
    <Drawer title={<code className="font-mono">{entry.action}</code>} onClose={onClose}>
      <Facts
        items={[
          [t('logs.time'), <DateTime key="time" at={entry.at} />],
          [t('audit.actor'), entry.actor],
          [t('audit.entity'), <Entity key="entity" entry={entry} />],
          [t('edges.revision'), format.number(entry.revision)],
          [
            t('error.requestId'),
            <span key="request" className="font-mono text-xs break-all">
              {entry.request_id}
            </span>,
          ],
        ]}
      />
      <DrawerSection title={t('audit.detail')}>
        <pre
          tabIndex={0}
          aria-label={t('audit.detail')}
          className="quiet-scroll overflow-x-auto rounded-md bg-sunken p-3 font-mono text-[12.5px] leading-5"
        >
          {JSON.stringify(entry.detail, null, 2)}
        </pre>
      </DrawerSection>
    </Drawer>
  )
}
