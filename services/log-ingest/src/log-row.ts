import { maxEntityId } from '@gpt-load/contracts/entity-id'
import type { LogAttempt, LogBatchIdentity, LogEvent } from '@gpt-load/contracts/log-event'
import type { SqlValue } from '@gpt-load/database/sql-client/sql-client'

/** Rows of the log tables from one event. Strings were cut at the edge; numbers are held inside their columns here. */
export const requestColumns = [
  'stored_on',
  'received_at',
  'request_id',
  'shape',
  'group_id',
  'access_key_id',
  'key_id',
  'key_hint',
  'client_address',
  'status',
  'connect_ms',
  'first_byte_ms',
  'first_token_ms',
  'duration_ms',
  'bytes_in',
  'bytes_out',
  'tokens_input',
  'tokens_output',
  'tokens_cached',
  'tokens_reasoning',
  'attempts',
  'clock_flag',
] as const

export const attemptColumns = [
  'stored_on',
  'request_id',
  'number',
  'received_at',
  'started_at',
  'group_id',
  'key_id',
  'key_hint',
  'upstream',
  'connect_ms',
  'head_ms',
  'end_ms',
  'status',
  'error_class',
  'error_code',
  'error_message',
] as const

export const failureColumns = [
  'stored_on',
  'received_at',
  'request_id',
  'status',
  'error_class',
  'error_code',
  'error_message',
] as const

export type RowContext = { storedOn: number; nowMs: number; retentionMs: number; identity: LogBatchIdentity }

const hourMs = 3_600_000
/** Year 2200: a clock beyond it is broken, and the column must hold it. */
const maxInstantMs = 7_258_118_400_000
const maxStatus = 999
const maxUint32 = 4_294_967_295

export const isRequestId = (text: string): boolean => /^[\x21-\x7e]{1,36}$/.test(text)

/** Why an event cannot be stored, or null. What is odd but storable is kept as given and flagged. */
export function refuseEvent(event: LogEvent): string | null {
  if (!isRequestId(event.requestId)) return 'the request id is not 1 to 36 printable characters'
  if (!Number.isSafeInteger(event.receivedAtMs) || event.receivedAtMs < 0 || event.receivedAtMs > maxInstantMs)
    return 'the time of arrival is no instant'
  if (event.status > maxStatus) return 'the status is none'
  const ids = [event.groupId, event.memberGroupId, event.accessKeyId, ...event.attempts.map(({ groupId }) => groupId)]
  if (ids.some((id) => id > maxEntityId)) return 'an id of a group or an access key is none'
  return null
}

export function clockFlag(receivedAtMs: number, context: RowContext): 0 | 1 | 2 {
  if (receivedAtMs > context.nowMs + hourMs) return 1
  return context.retentionMs > 0 && receivedAtMs < context.nowMs - context.retentionMs ? 2 : 0
}

export function requestRow(event: LogEvent, shape: Buffer, context: RowContext): SqlValue[] {
  const last = event.attempts.at(-1)
  return [
    context.storedOn,
    event.receivedAtMs,
    event.requestId,
    shape,
    event.groupId,
    event.accessKeyId,
    last?.keyId ?? 0,
    cut(last?.keyHint ?? '', 32),
    cut(event.clientAddress, 64),
    event.status,
    known(last?.connectMs ?? -1),
    known(event.firstByteMs),
    known(event.firstTokenMs),
    Math.max(0, int32(event.durationMs)),
    Math.min(event.bytesIn, maxUint32),
    Math.min(event.bytesOut, maxUint32),
    known(event.tokens.input),
    known(event.tokens.output),
    known(event.tokens.cached),
    known(event.tokens.reasoning),
    event.attempts.length,
    clockFlag(event.receivedAtMs, context),
  ]
}

/** In the order of `shapeColumns`. */
export function shapeValues(event: LogEvent, { edge }: LogBatchIdentity): (string | number)[] {
  return [
    edge,
    cut(event.groupName, 100),
    event.memberGroupId,
    cut(event.memberGroupName, 100),
    ascii(event.channel, 16),
    ascii(event.method, 16),
    cut(event.requestPath, 2_048),
    cut(event.modelRequested, 255),
    cut(event.modelSent, 255),
    event.isStream ? 1 : 0,
    cut(event.attempts.at(-1)?.upstream ?? '', 500),
    cut(event.userAgent, 512),
    event.errorClass,
    cut(event.errorCode, 100),
    event.endReason,
  ]
}

/** The last attempt is in the request's own row. */
export function attemptRows(event: LogEvent, context: RowContext): SqlValue[][] {
  return event.attempts.slice(0, -1).map((attempt, index) => attemptRow(event, attempt, index, context))
}

function attemptRow(event: LogEvent, attempt: LogAttempt, index: number, context: RowContext): SqlValue[] {
  return [
    context.storedOn,
    event.requestId,
    index + 1,
    event.receivedAtMs,
    attempt.startedAtMs,
    attempt.groupId,
    attempt.keyId,
    cut(attempt.keyHint, 32),
    cut(attempt.upstream, 500),
    int32(attempt.connectMs),
    int32(attempt.headMs),
    int32(attempt.endMs),
    Math.min(attempt.status, maxStatus),
    attempt.errorClass,
    cut(attempt.errorCode, 100),
    cut(attempt.errorMessage, 2_048),
  ]
}

export function isFailure(event: LogEvent): boolean {
  return event.status >= 400 || event.endReason !== 'complete'
}

export function failureRow(event: LogEvent, context: RowContext): SqlValue[] {
  return [
    context.storedOn,
    event.receivedAtMs,
    event.requestId,
    event.status,
    event.errorClass,
    cut(event.errorCode, 100),
    cut(event.errorMessage, 2_048),
  ]
}

/** Columns count characters, code points outside the BMP as one: UTF-16 length is never less. */
export function cut(text: string, characters: number): string {
  return text.length <= characters ? text : text.slice(0, characters).toWellFormed()
}

function ascii(text: string, characters: number): string {
  return cut(text.replaceAll(/[^\x20-\x7e]/g, '?'), characters)
}

const known = (value: number): number | null => (value < 0 ? null : int32(value))

export const int32 = (value: number) => Math.max(-1, Math.min(2_147_483_647, Math.round(value)))
