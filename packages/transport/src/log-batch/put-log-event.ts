// An event's fields one after the other. Strings are cut and made valid here, so nothing that a caller sends (a 4 MB user
// agent, a lone surrogate) grows a batch or is refused later. Numbers are rounded; what is not a number reads as absent.

import type { LogAttempt, LogEvent } from '@gpt-load/contracts/log-event'
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
import { beginMessage, endMessage, putOptionalUint, putString, putUint } from './protobuf-writer.ts'
import type { ProtobufWriter } from './protobuf-writer.ts'

export function putLogEvent(writer: ProtobufWriter, event: LogEvent): void {
  const start = beginMessage(writer, payloadEventField)
  putUint(writer, e.sequence, event.sequence)
  putString(writer, e.requestId, event.requestId, bounds.request_id)
  putUint(writer, e.receivedAtMs, event.receivedAtMs)
  putRequest(writer, event)
  putString(writer, e.clientAddress, event.clientAddress, bounds.client_address)
  putString(writer, e.userAgent, event.userAgent, bounds.user_agent)
  putResult(writer, event)
  putMeasures(writer, event)
  const attempts = event.attempts.length
  const dropped = Math.max(0, attempts - maxEncodedAttempts)
  for (let i = 0; i < attempts; i++) {
    const attempt = event.attempts[i]
    if (attempt && (i < maxEncodedAttempts - 1 || i >= maxEncodedAttempts - 1 + dropped)) putAttempt(writer, attempt)
  }
  endMessage(writer, start)
}

/** What a caller asks again and again. */
export function putRequest(writer: ProtobufWriter, event: LogEvent): void {
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
}

export function putResult(writer: ProtobufWriter, event: LogEvent): void {
  putUint(writer, e.status, event.status)
  putUint(writer, e.errorClass, errorClassNumber[event.errorClass])
  putString(writer, e.errorCode, event.errorCode, bounds.error_code)
  putString(writer, e.errorMessage, event.errorMessage, bounds.error_message)
  putUint(writer, e.endReason, endReasonNumber[event.endReason])
  putUint(writer, e.isSampledOut, event.isSampledOut ? 1 : 0)
}

function putMeasures(writer: ProtobufWriter, event: LogEvent): void {
  putOptionalUint(writer, e.firstByteMs, event.firstByteMs)
  putOptionalUint(writer, e.firstTokenMs, event.firstTokenMs)
  putOptionalUint(writer, e.durationMs, event.durationMs)
  putUint(writer, e.bytesIn, event.bytesIn)
  putUint(writer, e.bytesOut, event.bytesOut)
  putOptionalUint(writer, e.tokensInput, event.tokens.input)
  putOptionalUint(writer, e.tokensOutput, event.tokens.output)
  putOptionalUint(writer, e.tokensCached, event.tokens.cached)
  putOptionalUint(writer, e.tokensReasoning, event.tokens.reasoning)
}

function putAttempt(writer: ProtobufWriter, attempt: LogAttempt): void {
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
  putAttemptResult(writer, attempt)
  endMessage(writer, start)
}

export function putAttemptResult(writer: ProtobufWriter, attempt: LogAttempt): void {
  putUint(writer, a.status, attempt.status)
  putUint(writer, a.errorClass, errorClassNumber[attempt.errorClass])
  putString(writer, a.errorCode, attempt.errorCode, bounds.error_code)
  putString(writer, a.errorMessage, attempt.errorMessage, bounds.error_message)
}
