// One event from its protobuf message. Unknown fields are skipped, absent ones take the contract's defaults, so any
// version of an edge can be read by any version of ingest.

import type { LogAttempt, LogEvent } from '@gpt-load/contracts/log-event'
import {
  attemptField as a,
  channelByNumber,
  endReasonByNumber,
  errorClassByNumber,
  eventField as e,
  maxEncodedAttempts,
  wireStringBounds as bounds,
  wireType,
} from './log-event-fields.ts'
import { createReader, MalformedMessage, readLength, readMessage, readString, readVarint } from './protobuf-reader.ts'
import type { FieldReader, ProtobufReader } from './protobuf-reader.ts'

type Mutable<T> = { -readonly [K in keyof T]: T[K] }
type DraftEvent = Mutable<LogEvent> & { attempts: LogAttempt[] }
type DraftAttempt = Mutable<LogAttempt>

/** Throws MalformedMessage. */
export function decodeLogEvent(buffer: Buffer, start = 0, end = buffer.length): LogEvent {
  return readMessage(createReader(buffer, start, end), eventReaders, emptyEvent())
}

const eventReaders: FieldReader<DraftEvent>[] = []
eventReaders[e.sequence] = uint((event, value) => (event.sequence = value))
eventReaders[e.requestId] = text(bounds.request_id, (event, value) => (event.requestId = value))
eventReaders[e.receivedAtMs] = uint((event, value) => (event.receivedAtMs = value))
eventReaders[e.groupId] = uint((event, value) => (event.groupId = value))
eventReaders[e.groupName] = text(bounds.group_name, (event, value) => (event.groupName = value))
eventReaders[e.memberGroupId] = uint((event, value) => (event.memberGroupId = value))
eventReaders[e.memberGroupName] = text(bounds.group_name, (event, value) => (event.memberGroupName = value))
eventReaders[e.channel] = uint((event, value) => (event.channel = channelByNumber[value] ?? ''))
eventReaders[e.method] = text(bounds.method, (event, value) => (event.method = value))
eventReaders[e.requestPath] = text(bounds.request_path, (event, value) => (event.requestPath = value))
eventReaders[e.modelRequested] = text(bounds.model, (event, value) => (event.modelRequested = value))
eventReaders[e.modelSent] = text(bounds.model, (event, value) => (event.modelSent = value))
eventReaders[e.isStream] = uint((event, value) => (event.isStream = value !== 0))
eventReaders[e.accessKeyId] = uint((event, value) => (event.accessKeyId = value))
eventReaders[e.clientAddress] = text(bounds.client_address, (event, value) => (event.clientAddress = value))
eventReaders[e.userAgent] = text(bounds.user_agent, (event, value) => (event.userAgent = value))
eventReaders[e.status] = uint((event, value) => (event.status = value))
eventReaders[e.errorClass] = uint((event, value) => (event.errorClass = errorClassByNumber[value] ?? ''))
eventReaders[e.errorCode] = text(bounds.error_code, (event, value) => (event.errorCode = value))
eventReaders[e.errorMessage] = text(bounds.error_message, (event, value) => (event.errorMessage = value))
eventReaders[e.endReason] = uint((event, value) => (event.endReason = endReasonByNumber[value] ?? 'proxy_error'))
eventReaders[e.firstByteMs] = uint((event, value) => (event.firstByteMs = value))
eventReaders[e.firstTokenMs] = uint((event, value) => (event.firstTokenMs = value))
eventReaders[e.durationMs] = uint((event, value) => (event.durationMs = value))
eventReaders[e.bytesIn] = uint((event, value) => (event.bytesIn = value))
eventReaders[e.bytesOut] = uint((event, value) => (event.bytesOut = value))
eventReaders[e.tokensInput] = uint((event, value) => (event.tokens.input = value))
eventReaders[e.tokensOutput] = uint((event, value) => (event.tokens.output = value))
eventReaders[e.tokensCached] = uint((event, value) => (event.tokens.cached = value))
eventReaders[e.tokensReasoning] = uint((event, value) => (event.tokens.reasoning = value))
eventReaders[e.isSampledOut] = uint((event, value) => (event.isSampledOut = value !== 0))
eventReaders[e.attempts] = { type: wireType.bytes, read: readAttempt }

const attemptReaders: FieldReader<DraftAttempt>[] = []
attemptReaders[a.number] = uint((attempt, value) => (attempt.number = value))
attemptReaders[a.groupId] = uint((attempt, value) => (attempt.groupId = value))
attemptReaders[a.keyId] = uint((attempt, value) => (attempt.keyId = value))
attemptReaders[a.keyHint] = text(bounds.key_hint, (attempt, value) => (attempt.keyHint = value))
attemptReaders[a.upstream] = text(bounds.upstream, (attempt, value) => (attempt.upstream = value))
attemptReaders[a.startedAtMs] = uint((attempt, value) => (attempt.startedAtMs = value))
attemptReaders[a.connectMs] = uint((attempt, value) => (attempt.connectMs = value))
attemptReaders[a.headMs] = uint((attempt, value) => (attempt.headMs = value))
attemptReaders[a.endMs] = uint((attempt, value) => (attempt.endMs = value))
attemptReaders[a.status] = uint((attempt, value) => (attempt.status = value))
attemptReaders[a.errorClass] = uint((attempt, value) => (attempt.errorClass = errorClassByNumber[value] ?? ''))
attemptReaders[a.errorCode] = text(bounds.error_code, (attempt, value) => (attempt.errorCode = value))
attemptReaders[a.errorMessage] = text(bounds.error_message, (attempt, value) => (attempt.errorMessage = value))

function readAttempt(event: DraftEvent, reader: ProtobufReader): void {
  if (event.attempts.length === maxEncodedAttempts) {
    throw new MalformedMessage(`an event has more than ${maxEncodedAttempts} attempts`)
  }
  const end = readLength(reader)
  event.attempts.push(readMessage(createReader(reader.buffer, reader.at, end), attemptReaders, emptyAttempt()))
  reader.at = end
}

function uint<T>(set: (target: T, value: number) => void): FieldReader<T> {
  return { type: wireType.varint, read: (target, reader) => set(target, readVarint(reader)) }
}

function text<T>(maxBytes: number, set: (target: T, value: string) => void): FieldReader<T> {
  return { type: wireType.bytes, read: (target, reader) => set(target, readString(reader, maxBytes)) }
}

function emptyEvent(): DraftEvent {
  return {
    sequence: 0,
    requestId: '',
    receivedAtMs: 0,
    groupId: 0,
    groupName: '',
    memberGroupId: 0,
    memberGroupName: '',
    channel: '',
    method: '',
    requestPath: '',
    modelRequested: '',
    modelSent: '',
    isStream: false,
    accessKeyId: 0,
    clientAddress: '',
    userAgent: '',
    status: 0,
    errorClass: '',
    errorCode: '',
    errorMessage: '',
    endReason: 'complete',
    firstByteMs: -1,
    firstTokenMs: -1,
    durationMs: -1,
    bytesIn: 0,
    bytesOut: 0,
    tokens: {
      input: -1,
      output: -1,
      cached: -1,
      reasoning: -1,
    },
    attempts: [],
    isSampledOut: false,
  }
}

function emptyAttempt(): DraftAttempt {
  return {
    number: 0,
    groupId: 0,
    keyId: 0,
    keyHint: '',
    upstream: '',
    startedAtMs: 0,
    connectMs: -1,
    headMs: -1,
    endMs: -1,
    status: 0,
    errorClass: '',
    errorCode: '',
    errorMessage: '',
  }
}
