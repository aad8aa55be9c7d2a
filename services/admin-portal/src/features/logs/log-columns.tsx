'use client'

import type { RequestLog } from '@gpt-load/contracts/api/log'
import { useText } from '../../i18n/locale.tsx'
import { StateMark, Tag, type Tone } from '../../ui/badge.tsx'
import { useAccessKeys } from '../access-keys/use-access-keys.ts'
import type { Column } from '../../ui/table-columns.ts'
import { TimeButton } from '../../ui/time-button.tsx'

/** 499 is the caller's own doing. */
export function toneOfStatus(status: number | null): Tone {
  if (status === null) return 'bad'
  if (status < 400) return 'good'
  return status < 500 ? (status === 499 ? 'idle' : 'warn') : 'bad'
}

/** The group that served an aggregate; null when a group served itself. */
export function servingMember(log: RequestLog): string | null {
  return log.member_group_id === log.group_id ? null : log.member_group_name
}

export function useLogColumns(onOpen: (id: string) => void): Column<RequestLog>[] {
  const { t, format } = useText()
  const accessKeys = useAccessKeys()
  const none = <span className="text-ink-faint">–</span>
  const extra = (id: string, header: string, width: string, cell: Column<RequestLog>['cell']): Column<RequestLog> => ({
    id,
    header,
    width,
    isExtra: true,
    cell,
  })
  return [
    {
      id: 'time',
      header: t('logs.time'),
      isFixed: true,
      order: 'both',
      width: '168px',
      cell: ({ request_id: id, received_at: at }) => <TimeButton at={at} onOpen={() => onOpen(id)} />,
    },
    {
      id: 'status',
      header: t('logs.status'),
      width: '84px',
      cell: ({ status }) => (
        <StateMark tone={toneOfStatus(status)}>
          <span className="figures">{status}</span>
        </StateMark>
      ),
    },
    {
      id: 'group',
      header: t('logs.group'),
      width: '19%',
      from: 'sm',
      cell: (log) => {
        const member = servingMember(log)
        return (
          <span title={member === null ? log.group_name : `${log.group_name} → ${member}`}>
            {log.group_name}
            {member !== null && <span className="text-ink-faint"> → {member}</span>}
          </span>
        )
      },
    },
    {
      id: 'model',
      header: t('logs.model'),
      from: 'md',
      cell: (log) => (
        <span className="flex items-center gap-1.5">
          <span className="truncate font-mono text-[12.5px]">{log.model_requested || log.request_path}</span>
          {log.is_stream && <Tag>{t('logs.stream')}</Tag>}
        </span>
      ),
    },
    {
      id: 'key',
      header: t('logs.key'),
      width: '150px',
      from: 'lg',
      cell: ({ key_hint: hint, key_id: id }) => (
        <span className="font-mono text-[12.5px] text-ink-soft">
          {hint || '–'}
          {id !== null && <span className="text-ink-faint"> #{id}</span>}
        </span>
      ),
    },
    {
      id: 'tokens',
      header: t('logs.tokens'),
      width: '120px',
      isNumber: true,
      from: 'lg',
      cell: ({ tokens: { input, output } }) =>
        input === null && output === null ? (
          <span className="text-ink-faint">–</span>
        ) : (
          `${input === null ? '?' : format.compact(input)} / ${output === null ? '?' : format.compact(output)}`
        ),
    },
    {
      id: 'attempts',
      header: t('logs.attempts'),
      width: '88px',
      isNumber: true,
      from: 'md',
      cell: ({ attempt_count: count }) => (
        <span className={count > 1 ? 'text-warn' : 'text-ink-faint'}>{format.number(count)}</span>
      ),
    },
    {
      id: 'duration',
      header: t('logs.duration'),
      width: '104px',
      isNumber: true,
      cell: ({ duration_ms: ms }) => format.milliseconds(ms),
    },
    extra('accessKey', t('logs.accessKey'), '160px', ({ access_key_id: id }) =>
      id === null ? none : accessKeys.nameOf(id),
    ),
    extra('firstToken', t('logs.firstToken'), '104px', ({ first_token_ms: ms }) =>
      ms === null ? none : format.milliseconds(ms),
    ),
    extra('upstream', t('logs.upstream'), '200px', ({ upstream }) => <span title={upstream}>{upstream || none}</span>),
    extra('cause', t('filter.errorClass'), '130px', ({ error_class: cause }) =>
      cause === null ? none : t(`cause.${cause}`),
    ),
    extra('code', t('filter.errorCode'), '160px', ({ error_code: code }) => code || none),
    extra('client', t('logs.client'), '140px', ({ client_address: address }) => address || none),
    extra('edge', t('logs.edge'), '120px', ({ edge }) => edge),
  ]
}
