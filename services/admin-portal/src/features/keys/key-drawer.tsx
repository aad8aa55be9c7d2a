'use client'

import type { KeyDetail } from '@gpt-load/contracts/api/key'
import { PageLink } from '../../ui/page-link.tsx'
import { Eye } from 'lucide-react'
import { useState } from 'react'
import { toast } from 'sonner'
import { api, useApi, useChange } from '../../client/api.ts'
import { useSession } from '../../client/session.ts'
import { useText } from '../../i18n/locale.tsx'
import { Button } from '../../ui/button.tsx'
import { CopyButton } from '../../ui/copy-button.tsx'
import { Drawer, DrawerSection } from '../../ui/drawer.tsx'
import { Field, TextInput } from '../../ui/field.tsx'
import { DateTime } from '../../ui/moment.tsx'
import { Facts } from '../../ui/page.tsx'
import { describeError, ErrorState, SkeletonRows } from '../../ui/states.tsx'
import { actionsFor, keyActionIcons, type OnKeyAction } from './key-columns.tsx'
import { KeyStateCell } from './key-state-cell.tsx'
import { KeyHours } from './key-usage.tsx'

export function KeyDrawer(props: { id: number; onAction: OnKeyAction; onClose: () => void }) {
  const { t } = useText()
  const query = useApi('GET /api/v1/keys/{id}', { params: { id: props.id } }, { refreshMs: 5_000 })
  const key = query.data?.id === props.id ? query.data : undefined
  return (
    <Drawer
      title={<span className="font-mono">{key?.hint ?? t('keys.key')}</span>}
      onClose={props.onClose}
      actions={
        key &&
        actionsFor(key).map((action) => (
          <Button
            key={action}
            size="small"
            kind={action === 'delete' ? 'danger' : 'plain'}
            onClick={() => props.onAction(action, key)}
          >
            {keyActionIcons[action]}
            {t(`keys.action.${action}`)}
          </Button>
        ))
      }
    >
      {key !== undefined ? (
        <Detail key={key.id} item={key} />
      ) : query.error === null ? (
        <SkeletonRows rows={6} height={44} />
      ) : (
        <ErrorState error={query.error} onRetry={() => void query.refetch()} />
      )}
    </Drawer>
  )
}

function Detail({ item }: { item: KeyDetail }) {
  const { t, format } = useText()
  return (
    <>
      <KeyStateCell item={item} />
      <div className="mt-5">
        <Facts
          items={[
            [
              t('keys.id'),
              <span key="id" className="figures">
                {item.id}
              </span>,
            ],
            [t('keys.failures'), format.number(item.failures)],
            [t('keys.lastProbe'), item.last_probe === null ? '–' : <DateTime key="probe" at={item.last_probe.at} />],
            [
              t('keys.nextProbeAt'),
              item.next_probe_at === null ? '–' : <DateTime key="next" at={item.next_probe_at} />,
            ],
            [
              t('keys.lastUsed'),
              item.usage === null || item.usage.last_used_at === null ? (
                '–'
              ) : (
                <DateTime key="used" at={item.usage.last_used_at} />
              ),
            ],
            [t('keys.since'), <DateTime key="since" at={item.created_at} />],
            [
              t('nav.logs'),
              <PageLink key="logs" className="text-accent hover:underline" href={`/logs/?group=${item.group_id}`}>
                {t('keys.showLogs')}
              </PageLink>,
            ],
          ]}
        />
      </div>
      <Reveal id={item.id} />
      <NoteForm item={item} />
      {item.models.length > 0 && (
        <DrawerSection title={t('keys.models')}>
          <ul className="grid gap-2">
            {item.models.map((model) => (
              <li key={model.model}>
                <span className="font-mono text-[13px]">{model.model}</span>
                <KeyStateCell item={model} />
              </li>
            ))}
          </ul>
        </DrawerSection>
      )}
      <DrawerSection title={t('keys.usage')}>
        <KeyHours usage={item.usage} />
      </DrawerSection>
      <DrawerSection title={t('keys.history')}>
        <History item={item} />
      </DrawerSection>
    </>
  )
}

/** In clear, on demand: the audit log names who looked. Gone again when the drawer closes. */
function Reveal({ id }: { id: number }) {
  const { t } = useText()
  const session = useSession()
  const reveal = useChange(() => api('POST /api/v1/keys/{id}/reveal', { params: { id } }), {
    onFailed: (error) => toast.error(describeError(error, t)),
  })
  if (session.data?.scopes.includes('secrets:read') !== true) return null
  const key = reveal.data?.data.key
  if (key === undefined)
    return (
      <Button size="small" className="mt-4" isBusy={reveal.isPending} onClick={() => reveal.mutate(undefined)}>
        <Eye aria-hidden className="size-3.5" />
        {t('keys.reveal')}
      </Button>
    )
  return (
    <p className="mt-4 flex items-center gap-1 rounded-md bg-sunken py-1 pr-1 pl-2">
      <code className="min-w-0 flex-1 font-mono text-xs break-all">{key}</code>
      <CopyButton text={key} label={t('keys.copy')} />
    </p>
  )
}

function NoteForm({ item }: { item: KeyDetail }) {
  const { t } = useText()
  const [note, setNote] = useState(item.note)
  const save = useChange(
    () =>
      api('PATCH /api/v1/keys/{id}', {
        params: { id: item.id },
        revision: item.revision,
        body: { note: note.trim() || null },
      }),
    { onDone: () => toast.success(t('common.saved')), onFailed: (error) => toast.error(describeError(error, t)) },
  )
  return (
    <form
      className="mt-6 flex items-end gap-2"
      onSubmit={(event) => {
        event.preventDefault()
        save.mutate(undefined)
      }}
    >
      <div className="flex-1">
        <Field label={t('keys.note')}>
          {(control) => (
            <TextInput {...control} maxLength={255} value={note} onChange={(event) => setNote(event.target.value)} />
          )}
        </Field>
      </div>
      <Button type="submit" disabled={note.trim() === item.note} isBusy={save.isPending}>
        {t('common.save')}
      </Button>
    </form>
  )
}

function History({ item }: { item: KeyDetail }) {
  const { t } = useText()
  if (item.history.length === 0) return <p className="text-ink-faint">{t('keys.noHistory')}</p>
  return (
    <ol className="grid gap-3 border-l border-line pl-4">
      {item.history.map((entry) => (
        <li key={entry.id} className={entry.applied ? '' : 'opacity-70'}>
          <p className="flex flex-wrap items-baseline justify-between gap-x-3">
            <span>
              {t(`state.${entry.state_from}`)} → <span className="font-medium">{t(`state.${entry.state_to}`)}</span>
              {entry.model !== null && <span className="ml-1.5 font-mono text-xs">{entry.model}</span>}
            </span>
            <span className="text-xs text-ink-faint">
              <DateTime at={entry.at} />
            </span>
          </p>
          {entry.cause !== null && (
            <p className="text-[13px] text-ink-faint">
              {[t(`cause.${entry.cause.class}`), entry.cause.status, entry.cause.code, entry.cause.note]
                .filter(Boolean)
                .join(' · ')}{' '}
              {entry.cause.request_id !== undefined && (
                <PageLink className="text-accent underline" href={`/logs/?request=${entry.cause.request_id}`}>
                  {t('keys.showRequest')}
                </PageLink>
              )}
            </p>
          )}
        </li>
      ))}
    </ol>
  )
}
