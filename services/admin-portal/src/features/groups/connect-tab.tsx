'use client'

import type { Group } from '@gpt-load/contracts/api/group'
import { CircleCheck, KeyRound, LoaderCircle } from 'lucide-react'
import { PageLink } from '../../ui/page-link.tsx'
import { parseAsStringLiteral, useQueryState } from 'nuqs'
import { useState } from 'react'
import { toast } from 'sonner'
import { api, useApi, useChange } from '../../client/api.ts'
import { useText } from '../../i18n/locale.tsx'
import { Button } from '../../ui/button.tsx'
import { CopyButton } from '../../ui/copy-button.tsx'
import { Panel } from '../../ui/page.tsx'
import { describeError } from '../../ui/states.tsx'
import { useProxyAddress } from './proxy-address.ts'
import { useExampleModel } from './use-example-model.ts'
import { snippetLanguages, snippetOf, type SnippetLanguage } from './snippets.ts'

const languageNames: Readonly<Record<SnippetLanguage, string>> = { curl: 'cURL', python: 'Python', node: 'Node.js' }
const placeholder = 'YOUR_ACCESS_KEY'

/** How a caller reaches the group, ready to be pasted; and whether somebody has. */
export function ConnectTab({ group }: { group: Group }) {
  const { t } = useText()
  const address = useProxyAddress()
  const [language, setLanguage] = useQueryState('snippet', parseAsStringLiteral(snippetLanguages).withDefault('curl'))
  const [token, setToken] = useState<string | null>(null)
  const model = useExampleModel(group)
  const snippet = snippetOf(language, group.channel, {
    address: address.of(group),
    token: token ?? placeholder,
    model,
  })
  return (
    <div className="grid items-start gap-4 lg:grid-cols-[1fr_20rem]">
      <Panel>
        <div className="flex items-center gap-1 border-b border-line bg-sunken py-1.5 pr-2 pl-2">
          <div role="group" aria-label={t('connect.language')} className="flex gap-1">
            {snippetLanguages.map((each) => (
              <Button
                key={each}
                kind="quiet"
                size="small"
                aria-pressed={each === language}
                onClick={() => void setLanguage(each)}
                className="aria-pressed:bg-surface aria-pressed:text-accent"
              >
                {languageNames[each]}
              </Button>
            ))}
          </div>
          <span className="ml-auto">
            <CopyButton text={snippet} label={t('copy.snippet')} isWide />
          </span>
        </div>
        <pre
          tabIndex={0}
          aria-label={t('connect.snippet')}
          className="quiet-scroll overflow-x-auto px-4 py-3 font-mono text-[12.5px] leading-5"
        >
          {snippet}
        </pre>
      </Panel>
      <div className="grid gap-4">
        <AccessKeyCard group={group} token={token} onToken={setToken} />
        <FirstRequest group={group} />
        {address.isGuess && <p className="px-1 text-[13px] text-ink-faint">{t('connect.guess')}</p>}
      </div>
    </div>
  )
}

function AccessKeyCard(props: { group: Group; token: string | null; onToken: (token: string) => void }) {
  const { t, format } = useText()
  const { group, token, onToken } = props
  const keys = useApi('GET /api/v1/access-keys', { query: { group_id: group.id, enabled: true, limit: 100 } })
  const create = useChange(
    () =>
      api('POST /api/v1/access-keys', {
        // The name is free to change; the time makes it unique.
        body: {
          name: `${group.name.slice(0, 60)} ${new Date().toISOString().slice(0, 19)}`,
          group_ids: [group.id],
          default_group_id: group.id,
        },
      }),
    { onDone: ({ data }) => onToken(data.key), onFailed: (error) => toast.error(describeError(error, t)) },
  )
  return (
    <Panel className="p-4">
      <h2 className="flex items-center gap-2 font-medium">
        <KeyRound aria-hidden className="size-4 text-ink-faint" />
        {t('connect.keyTitle')}
      </h2>
      {token === null ? (
        <>
          <p className="mt-1 text-ink-faint">
            {t('connect.keyText', { count: keys.data === undefined ? '…' : format.number(keys.data.items.length) })}
          </p>
          <div className="mt-3 flex flex-wrap gap-2">
            <Button kind="primary" isBusy={create.isPending} onClick={() => create.mutate(undefined)}>
              {t('connect.createKey')}
            </Button>
            <PageLink href={`/access-keys/?group=${group.id}`} className="self-center text-accent hover:underline">
              {t('connect.allKeys')}
            </PageLink>
          </div>
        </>
      ) : (
        <>
          <p className="mt-1 text-ink-faint">{t('accessKeys.once')}</p>
          <p className="mt-2 flex items-center gap-1 rounded-md bg-sunken py-1 pr-1 pl-2">
            <code className="min-w-0 flex-1 font-mono text-xs break-all">{token}</code>
            <CopyButton text={token} label={t('copy.accessKey')} />
          </p>
        </>
      )}
    </Panel>
  )
}

/** Live: a newcomer sees the first call arrive. */
function FirstRequest({ group }: { group: Group }) {
  const { t, format } = useText()
  const logs = useApi('GET /api/v1/logs', { query: { group_id: group.id, limit: 1 } }, { refreshMs: 2_000 })
  const last = logs.data?.items[0]
  return (
    <Panel className="p-4">
      <div role="status">
        {last === undefined ? (
          <>
            <h2 className="flex items-center gap-2 font-medium">
              <LoaderCircle aria-hidden className="size-4 animate-spin text-accent" />
              {t('connect.waiting')}
            </h2>
            <p className="mt-1 text-ink-faint">{t('connect.waitingText')}</p>
          </>
        ) : (
          <>
            <h2 className="flex items-center gap-2 font-medium">
              <CircleCheck aria-hidden className={`size-4 ${last.status < 400 ? 'text-good' : 'text-bad'}`} />
              {t('connect.lastRequest')}
            </h2>
            <p className="figures mt-1 text-ink-faint">
              {last.status} · {format.dateTime(last.received_at)}
            </p>
            <PageLink
              href={`/logs/?group=${group.id}&request=${last.request_id}`}
              className="mt-2 inline-block text-accent hover:underline"
            >
              {t('connect.showRequest')}
            </PageLink>
          </>
        )}
      </div>
    </Panel>
  )
}
