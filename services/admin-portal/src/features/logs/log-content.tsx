'use client'

import type { LogContent as Content } from '@gpt-load/contracts/api/log'
import type { ContentBody } from '@gpt-load/contracts/content-record'
import { Eye } from 'lucide-react'
import { toast } from 'sonner'
import { api, useChange } from '../../client/api.ts'

import { useSession } from '../../client/session.ts'
import { useText } from '../../i18n/locale.tsx'
import { Button } from '../../ui/button.tsx'
import { CopyButton } from '../../ui/copy-button.tsx'
import { DrawerSection } from '../../ui/drawer.tsx'
import { describeError } from '../../ui/states.tsx'

/** Recorded bodies, on demand: the audit log names who looked. Gone again when the drawer closes. */
export function LogContent({ requestId }: { requestId: string }) {
  const { t } = useText()
  const session = useSession()
  const show = useChange(() => api('GET /api/v1/logs/{request_id}/content', { params: { request_id: requestId } }), {
    onFailed: (error) => toast.error(describeError(error, t)),
  })
  if (session.data?.scopes.includes('secrets:read') !== true) return null
  const content = show.data?.data
  return (
    <DrawerSection title={t('logs.content')}>
      {content === undefined ? (
        <Button size="small" isBusy={show.isPending} onClick={() => show.mutate(undefined)}>
          <Eye aria-hidden className="size-3.5" />
          {t('logs.showContent')}
        </Button>
      ) : (
        <Bodies content={content} />
      )}
    </DrawerSection>
  )
}

function Bodies({ content: { request, response } }: { content: Content }) {
  const { t } = useText()
  if (request === null && response === null) return <p className="text-ink-faint">{t('logs.contentNone')}</p>
  return (
    <div className="grid gap-3">
      <Body title={t('logs.requestBody')} body={request} />
      <Body title={t('logs.responseBody')} body={response} />
    </div>
  )
}

function Body({ title, body }: { title: string; body: ContentBody | null }) {
  const { t } = useText()
  const notes = [
    body?.content_type ?? '',
    body === null ? t('logs.contentOff') : '',
    body?.is_cut === true ? t('logs.contentCut') : '',
    body === null || body.omitted === '' ? '' : t(`logs.omitted.${body.omitted}`),
  ].filter((note) => note !== '')
  return (
    <section>
      <h4 className="flex items-center gap-2 text-[13px]">
        {title}
        <span className="min-w-0 flex-1 truncate text-xs text-ink-faint">{notes.join(' · ')}</span>
        {body !== null && body.text !== '' && <CopyButton text={body.text} label={t('logs.copyBody')} />}
      </h4>
      {body !== null && body.text !== '' && (
        <pre className="quiet-scroll mt-1 max-h-80 overflow-auto rounded-md bg-sunken p-2 font-mono text-xs break-all whitespace-pre-wrap">
          {readable(body)}
        </pre>
      )}
    </section>
  )
}

/** JSON on lines of its own; what was cut or is something else, as it is. */
function readable({ content_type: type, text }: ContentBody): string {
  if (!type.includes('json')) return text
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    return text
  }
}
