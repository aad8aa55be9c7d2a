// Events into the payload of a batch. Runs once per request beside the streams: one buffer per writer, reused from batch
// to batch, and no allocation per event. Strings are cut and made valid here, so nothing that a caller sends (a 4 MB
// user agent, a lone surrogate) grows a batch or is refused later. Numbers are rounded; what is not a number reads as absent.

import type { LogAttempt, LogEvent } from '@gpt-load/contracts/log-event'
import { type CommonFields, RecentRuns } from './common-fields.ts'
import {
  attemptField as a,
  channelNumber,
  endReasonNumber,
  errorClassNumber,
  eventField as e,
  maxEncodedAttempts,
  payloadEventField,
  wireStringBounds as bounds,
} from './log-event-fields.ts'
import {
  beginMessage,
  endMessage,
  maxNumberFieldBytes,
  maxStringFieldBytes,
  messageOverheadBytes,
  putOptionalUint,
  putString,
  putUint,
  reserve,
} from './protobuf-writer.ts'
import type { ProtobufWriter } from './protobuf-writer.ts'

const sum = (sizes: readonly number[]): number => sizes.reduce((total, size) => total + size, 0)

const maxAttemptBytes =
  messageOverheadBytes +
  9 * maxNumberFieldBytes +
  sum([bounds.key_hint, bounds.upstream, bounds.error_code, bounds.error_message].map(maxStringFieldBytes))
const maxEventBytes =
  messageOverheadBytes +
  21 * maxNumberFieldBytes +
  sum(
    [
      bounds.request_id,
      bounds.group_name,
      bounds.group_name,
      bounds.method,
      bounds.request_path,
      bounds.model,
      bounds.model,
      bounds.client_address,
      bounds.user_agent,
      bounds.error_code,
      bounds.error_message,
    ].map(maxStringFieldBytes),
  )

/** What an event can take at most: about 6 KiB and 3 KiB for each attempt. */
export const maxEncodedEventBytes = maxEventBytes + maxEncodedAttempts * maxAttemptBytes

/** `length` is the payload's bytes so far, `count` its events. The owner seals at logBatchBounds and resets. */
export type LogEventWriter = ProtobufWriter & { count: number; readonly runs: RecentRuns }

const initialWriterBytes = 65_536

export function createLogEventWriter(): LogEventWriter {
  return { buffer: Buffer.allocUnsafeSlow(initialWriterBytes), length: 0, count: 0, runs: new RecentRuns() }
}

/** The payload so far: a view that the next `encodeLogEvent` or `resetWriter` invalidates. */
export function payloadOf(writer: LogEventWriter): Uint8Array {
  return writer.buffer.subarray(0, writer.length)
}

export function resetWriter(writer: LogEventWriter): void {
  writer.length = 0
  writer.count = 0
}

export function encodeLogEvent(writer: LogEventWriter, event: LogEvent): void {
  const attempts = event.attempts.length
  reserve(writer, maxEventBytes + Math.min(attempts, maxEncodedAttempts) * maxAttemptBytes)
  const start = beginMessage(writer, payloadEventField)
  putRequest(writer, event)
  putOutcome(writer, event)
  const dropped = Math.max(0, attempts - maxEncodedAttempts)
  for (let i = 0; i < attempts; i++) {
    const attempt = event.attempts[i]
    if (attempt && (i < maxEncodedAttempts - 1 || i >= maxEncodedAttempts - 1 + dropped)) putAttempt(writer, attempt)
  }
  endMessage(writer, start)
  writer.count++
}

function putRequest(writer: LogEventWriter, event: LogEvent): void {
  putUint(writer, e.sequence, event.sequence)
  putString(writer, e.requestId, event.requestId, bounds.request_id)
  putUint(writer, e.receivedAtMs, event.receivedAtMs)
  writer.runs.put(writer, event, putCommon)
}

function putCommon(writer: ProtobufWriter, event: CommonFields): void {
  putUint(writer, e.groupId, event.groupId)
  putString(writer, e.groupName, event.groupName, bounds.group_name)
  putUint(writer, e.memberGroupId, event.memberGroupId)
  putString(writer, e.memberGroupName, event.memberGroupName, bounds.group_name)
  putUint(writer, e.channel, channelNumber[event.channel])
  putString(writer, e.method, event.method, bounds.method)
  putString(writer, e.requestPath, event.requestPath, bounds.request_path)
  putString(writer, e.modelRequested, event.modelRequested, bounds.model)
  putString(writer, e.modelSent, event.modelSent, bounds.model)
  putUint(writer, e.isStream, event.isStream ? 1 : 0)
  putUint(writer, e.accessKeyId, event.accessKeyId)
  putString(writer, e.clientAddress, event.clientAddress, bounds.client_address)
  putString(writer, e.userAgent, event.userAgent, bounds.user_agent)
}

function putOutcome(writer: LogEventWriter, event: LogEvent): void {
  putUint(writer, e.status, event.status)
  putUint(writer, e.errorClass, errorClassNumber[event.errorClass])
  putString(writer, e.errorCode, event.errorCode, bounds.error_code)
  putString(writer, e.errorMessage, event.errorMessage, bounds.error_message)
  putUint(writer, e.endReason, endReasonNumber[event.endReason])
  putOptionalUint(writer, e.firstByteMs, event.firstByteMs)
  putOptionalUint(writer, e.firstTokenMs, event.firstTokenMs)
  putOptionalUint(writer, e.durationMs, event.durationMs)
  putUint(writer, e.bytesIn, event.bytesIn)
  putUint(writer, e.bytesOut, event.bytesOut)
  putOptionalUint(writer, e.tokensInput, event.tokens.input)
  putOptionalUint(writer, e.tokensOutput, event.tokens.output)
  putOptionalUint(writer, e.tokensCached, event.tokens.cached)
  putOptionalUint(writer, e.tokensReasoning, event.tokens.reasoning)
  putUint(writer, e.isSampledOut, event.isSampledOut ? 1 : 0)
}

function putAttempt(writer: LogEventWriter, attempt: LogAttempt): void {
  const start = beginMessage(writer, e.attempts)
  putUint(writer, a.number, attempt.number)
  putUint(writer, a.groupId, attempt.groupId)
  putUint(writer, a.keyId, attempt.keyId)
  putString(writer, a.keyHint, attempt.keyHint, bounds.key_hint)
  putString(writer, a.upstream, attempt.upstream, bounds.upstream)
  putUint(writer, a.startedAtMs, attempt.startedAtMs)
  putOptionalUint(writer, a.connectMs, attempt.connectMs)
  putOptionalUint(writer, a.headMs, attempt.headMs)
  putOptionalUint(writer, a.endMs, attempt.endMs)
  putUint(writer, a.status, attempt.status)
  putUint(writer, a.errorClass, errorClassNumber[attempt.errorClass])
  putString(writer, a.errorCode, attempt.errorCode, bounds.error_code)
  putString(writer, a.errorMessage, attempt.errorMessage, bounds.error_message)
  endMessage(writer, start)
}
