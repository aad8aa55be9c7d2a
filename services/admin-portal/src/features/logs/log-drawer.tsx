'use client'

import type { RequestAttempt, RequestLogDetail } from '@gpt-load/contracts/api/log'
import { adminAccessKeyId } from '@gpt-load/contracts/entity-id'
import { Route } from 'lucide-react'
import dynamic from 'next/dynamic'
import { Button } from '../../ui/button.tsx'
import { PageLink } from '../../ui/page-link.tsx'
import { useApi } from '../../client/api.ts'
import { useText } from '../../i18n/locale.tsx'
import { groupHref } from '../../shell/navigation.ts'
import { StateMark } from '../../ui/badge.tsx'
import { CopyButton } from '../../ui/copy-button.tsx'
import { Drawer, DrawerSection } from '../../ui/drawer.tsx'
import { DateTime } from '../../ui/moment.tsx'
import { Facts } from '../../ui/page.tsx'
import { ErrorState, SkeletonRows } from '../../ui/states.tsx'
import { useAccessKeys } from '../access-keys/use-access-keys.ts'
import { LogContent } from './log-content.tsx'
import { servingMember, toneOfStatus } from './log-columns.tsx'

const LoggedExplanation = dynamic(async () => (await import('../explain/logged-explanation.tsx')).LoggedExplanation, {
  ssr: false,
})

/** `isExplained`: in place of what happened, what would happen now. */
export function LogDrawer(props: {
  id: string
  isExplained: boolean
  onExplain: (isOn: boolean) => void
  onClose: () => void
}) {
  const { id, isExplained, onExplain, onClose } = props
  const { t } = useText()
  const query = useApi('GET /api/v1/logs/{request_id}', { params: { request_id: id } })
  const log = query.data?.request_id === id ? query.data : undefined
  return (
    <Drawer title={t(isExplained ? 'explain.title' : 'logs.request')} onClose={onClose}>
      {log !== undefined && isExplained ? (
        <LoggedExplanation requestId={id} onBack={() => onExplain(false)} />
      ) : log !== undefined ? (
        <Detail log={log} onExplain={() => onExplain(true)} />
      ) : query.error === null ? (
        <SkeletonRows rows={8} height={44} />
      ) : (
        <ErrorState error={query.error} onRetry={() => void query.refetch()} />
      )}
    </Drawer>
  )
}

function Detail({ log, onExplain }: { log: RequestLogDetail; onExplain: () => void }) {
  const { t, format } = useText()
  const none = '–'
  const ms = (value: number | null): string => (value === null ? none : format.milliseconds(value))
  const count = (value: number | null): string => (value === null ? none : format.number(value))
  const { input, output, cached, reasoning } = log.tokens
  return (
    <>
      <p className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <StateMark tone={toneOfStatus(log.status)}>
          <span className="figures text-base font-semibold">{log.status}</span>
        </StateMark>
        <code className="font-mono text-[13px] break-all">
          {log.method} {log.request_path}
        </code>
      </p>
      <p className="mt-1 flex items-center gap-1 font-mono text-xs text-ink-faint">
        {log.request_id}
        <CopyButton text={log.request_id} label={t('copy.requestId')} />
        <Button size="small" className="ml-auto font-sans" onClick={onExplain}>
          <Route aria-hidden className="size-3.5" />
          {t('explain.title')}
        </Button>
      </p>
      {log.error_message !== '' && (
        <p className="mt-3 rounded-md bg-bad-soft px-3 py-2 text-[13px]">
          {log.error_code !== '' && <span className="font-mono">{log.error_code} · </span>}
          {log.error_message}
        </p>
      )}
      <DrawerSection title={t('logs.attempts')}>
        <Attempts log={log} />
      </DrawerSection>
      <DrawerSection title={t('logs.route')}>
        <Facts
          items={[
            [t('logs.time'), <DateTime key="time" at={log.received_at} />],
            [t('logs.group'), <GroupLink key="group" id={log.group_id} name={log.group_name} />],
            ...(log.member_group_id === null || servingMember(log) === null
              ? []
              : [
                  [
                    t('logs.member'),
                    <GroupLink key="member" id={log.member_group_id} name={log.member_group_name ?? ''} />,
                  ] as const,
                ]),
            [
              t('logs.model'),
              log.model_sent === log.model_requested
                ? log.model_sent || none
                : `${log.model_requested} → ${log.model_sent}`,
            ],
            [t('logs.upstream'), log.upstream || none],
            [
              t('logs.accessKey'),
              log.access_key_id === null ? none : <AccessKeyLink key="access" id={log.access_key_id} />,
            ],
            [t('logs.client'), log.client_address],
            [t('logs.userAgent'), log.user_agent || none],
            [t('logs.edge'), log.edge],
          ]}
        />
      </DrawerSection>
      <DrawerSection title={t('logs.figures')}>
        <Facts
          items={[
            [t('logs.duration'), ms(log.duration_ms)],
            [t('logs.firstByte'), ms(log.first_byte_ms)],
            [t('logs.firstToken'), ms(log.first_token_ms)],
            [
              t('logs.tokensIn'),
              cached === null ? count(input) : t('logs.cached', { tokens: count(input), cached: count(cached) }),
            ],
            [
              t('logs.tokensOut'),
              reasoning === null
                ? count(output)
                : t('logs.reasoning', { tokens: count(output), reasoning: count(reasoning) }),
            ],
            [t('logs.bytes'), `${format.bytes(log.bytes_in)} / ${format.bytes(log.bytes_out)}`],
            [t('logs.end'), t(`end.${log.end_reason}`)],
          ]}
        />
      </DrawerSection>
      <LogContent key={log.request_id} requestId={log.request_id} />
    </>
  )
}

function GroupLink({ id, name }: { id: number; name: string }) {
  return (
    <PageLink href={groupHref(id)} className="text-accent hover:underline">
      {name}
    </PageLink>
  )
}

function AccessKeyLink({ id }: { id: number }) {
  const { nameOf } = useAccessKeys()
  if (id === adminAccessKeyId) return <span className="font-mono">{nameOf(id)}</span>
  return (
    <PageLink href={`/access-keys/?edit=${id}`} className="text-accent hover:underline">
      {nameOf(id)}
    </PageLink>
  )
}

/** One after the other on one scale of time: what was tried, with which key, and what it cost. */
function Attempts({ log }: { log: RequestLogDetail }) {
  const { t } = useText()
  const startMs = Date.parse(log.received_at)
  const totalMs = Math.max(1, log.duration_ms)
  if (log.attempts.length === 0) return <p className="text-ink-faint">{t('logs.noAttempts')}</p>
  return (
    <ol className="grid gap-3">
      {log.attempts.map((attempt) => (
        <Attempt
          key={attempt.number}
          attempt={attempt}
          offset={(Date.parse(attempt.started_at) - startMs) / totalMs}
          totalMs={totalMs}
        />
      ))}
    </ol>
  )
}

function Attempt({ attempt, offset, totalMs }: { attempt: RequestAttempt; offset: number; totalMs: number }) {
  const { t, format } = useText()
  const tone = toneOfStatus(attempt.status)
  const left = Math.min(0.98, Math.max(0, offset))
  const width = Math.min(1 - left, Math.max(0.02, (attempt.end_ms ?? 0) / totalMs))
  const cause = [
    attempt.error_class === null ? '' : t(`cause.${attempt.error_class}`),
    attempt.error_code,
    attempt.error_message,
  ]
  return (
    <li className="rounded-md border border-line px-3 py-2">
      <p className="flex flex-wrap items-center gap-x-3">
        <span className="figures text-ink-faint">{attempt.number}</span>
        <StateMark tone={tone}>
          <span className="figures">{attempt.status ?? t('logs.noAnswer')}</span>
        </StateMark>
        {attempt.key_id === null ? (
          <span className="font-mono text-[12.5px]">{attempt.key_hint}</span>
        ) : (
          <PageLink
            href={`${groupHref(attempt.group_id, 'keys')}&key=${attempt.key_id}`}
            className="truncate font-mono text-[12.5px] text-accent hover:underline"
          >
            {attempt.key_hint}
          </PageLink>
        )}
        <span className="figures ml-auto text-ink-faint">
          {attempt.end_ms === null ? '–' : format.milliseconds(attempt.end_ms)}
        </span>
      </p>
      <p className="mt-0.5 truncate text-xs text-ink-faint">{attempt.upstream}</p>
      <div aria-hidden className="mt-1.5 h-1 rounded-full bg-line">
        <div
          className={`h-full rounded-full ${tone === 'good' ? 'bg-good-fill' : tone === 'warn' ? 'bg-warn-fill' : 'bg-bad-fill'}`}
          style={{ marginLeft: `${left * 100}%`, width: `${width * 100}%` }}
        />
      </div>
      {attempt.error_class !== null && (
        <p className="mt-1.5 text-[13px]">{cause.filter((part) => part !== '').join(' · ')}</p>
      )}
    </li>
  )
}
