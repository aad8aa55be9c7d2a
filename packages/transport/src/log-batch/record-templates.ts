import type { LogAttempt, LogEvent } from '@gpt-load/contracts/log-event'
import {
  attemptField as a,
  eventField as e,
  payloadEventField,
  wireStringBounds,
  wireType,
} from './log-event-fields.ts'
import { beginMessage, endMessage, maxUnitBytes, putString, putTag, putUint, writeUnits } from './protobuf-writer.ts'
import type { ProtobufWriter } from './protobuf-writer.ts'
import { putAttemptResult, putRequest, putResult } from './put-log-event.ts'

/**
 * Most records are like one before them: the same group, path, models, access key, upstream and outcome, in one attempt. What
 * differs is an id, a key, an address and a dozen numbers. Such a record is a copy of a template, one call in place of forty
 * fields, with these written over it, and the address behind it. Numbers have a fixed width there: varints padded with empty
 * groups of bits, which every protobuf reader takes.
 *
 * Bounded: a place holds one template, and takes another one with every sixteenth miss: where no two requests are alike,
 * remembering them would cost more than it ever saves.
 */
const places = 64
const maxTemplateBytes = 512
const keepEvery = 16

/** Counts, bytes and milliseconds; a larger one has its record encoded field by field. */
const narrowBytes = 3
const narrowMask = 2 ** 21 - 1
/** Times, sequences, ids of keys: 28 bits and 14 above them. */
const wideBytes = 6
const lowMask = 2 ** 28 - 1
const highMask = 2 ** 14 - 1

/** Where in the bytes a field's value begins; `absent`: the records have no such number. */
type Place = number
const absent = -1

type Template = {
  readonly bytes: Uint8Array
  readonly request: RequestLikeness
  readonly attempt: AttemptLikeness
  /** Where the message begins, in front of which its length stands. */
  readonly message: Place
  readonly sequence: Place
  readonly receivedAtMs: Place
  readonly requestId: Place
  readonly requestIdBytes: number
  readonly bytesIn: Place
  readonly bytesOut: Place
  readonly firstByteMs: Place
  readonly firstTokenMs: Place
  readonly durationMs: Place
  readonly tokensInput: Place
  readonly tokensOutput: Place
  readonly tokensCached: Place
  readonly tokensReasoning: Place
  readonly keyId: Place
  readonly keyHint: Place
  readonly keyHintBytes: number
  readonly startedAtMs: Place
  readonly connectMs: Place
  readonly headMs: Place
  readonly endMs: Place
}

/** All but what `fill` writes: it stands in the bytes for good, so that a record is like a template only if it agrees in all of it. */
type RequestLikeness = Omit<
  LogEvent,
  | 'sequence'
  | 'requestId'
  | 'receivedAtMs'
  | 'clientAddress'
  | 'firstByteMs'
  | 'firstTokenMs'
  | 'durationMs'
  | 'bytesIn'
  | 'bytesOut'
  | 'tokens'
  | 'attempts'
>
type AttemptLikeness = Omit<LogAttempt, 'keyId' | 'keyHint' | 'startedAtMs' | 'connectMs' | 'headMs' | 'endMs'>

/** A new field of the record belongs in the types above or in `fill`, in `isLike`, and in the test that changes fields one by one. */
export class RecordTemplates {
  readonly #templates: (Template | null)[] = Array.from({ length: places }, () => null)
  #missed = 0

  /** Writes the whole record; or nothing, and answers false. */
  put(writer: ProtobufWriter, event: LogEvent): boolean {
    if (event.attempts.length !== 1) return false
    const attempt = event.attempts[0]!
    const place = (event.groupId + event.accessKeyId * 7) & (places - 1)
    const template = this.#templates[place]!
    if (template !== null && isLike(template, event, attempt) && fill(template, writer, event, attempt)) return true
    this.#missed += 1
    if (this.#missed % keepEvery === 0) this.#templates[place] = templateOf(writer, event, attempt) ?? template
    return false
  }
}

/** What differs most often first. */
function isLike({ request, attempt: tried }: Template, event: LogEvent, attempt: LogAttempt): boolean {
  return (
    request.groupId === event.groupId &&
    request.accessKeyId === event.accessKeyId &&
    request.memberGroupId === event.memberGroupId &&
    request.isStream === event.isStream &&
    request.status === event.status &&
    request.endReason === event.endReason &&
    request.modelSent === event.modelSent &&
    request.userAgent === event.userAgent &&
    request.requestPath === event.requestPath &&
    request.modelRequested === event.modelRequested &&
    request.groupName === event.groupName &&
    request.memberGroupName === event.memberGroupName &&
    request.channel === event.channel &&
    request.method === event.method &&
    request.errorClass === event.errorClass &&
    request.errorCode === event.errorCode &&
    request.errorMessage === event.errorMessage &&
    request.isSampledOut === event.isSampledOut &&
    tried.upstream === attempt.upstream &&
    tried.groupId === attempt.groupId &&
    tried.status === attempt.status &&
    tried.number === attempt.number &&
    tried.errorClass === attempt.errorClass &&
    tried.errorCode === attempt.errorCode &&
    tried.errorMessage === attempt.errorMessage
  )
}

/** False: something does not fit, and `writer` is where it was. */
function fill(template: Template, writer: ProtobufWriter, event: LogEvent, attempt: LogAttempt): boolean {
  const { buffer, length: start } = writer
  const { tokens } = event
  buffer.set(template.bytes, start)
  const fits =
    fillText(buffer, start + template.requestId, event.requestId, template.requestIdBytes) &&
    fillText(buffer, start + template.keyHint, attempt.keyHint, template.keyHintBytes) &&
    fillWide(buffer, start + template.sequence, event.sequence) &&
    fillWide(buffer, start + template.receivedAtMs, event.receivedAtMs) &&
    fillWide(buffer, start + template.keyId, attempt.keyId) &&
    fillWide(buffer, start + template.startedAtMs, attempt.startedAtMs) &&
    fillNarrow(buffer, start + template.bytesIn, event.bytesIn) &&
    fillNarrow(buffer, start + template.bytesOut, event.bytesOut) &&
    fillOptional(buffer, start, template.firstByteMs, event.firstByteMs) &&
    fillOptional(buffer, start, template.firstTokenMs, event.firstTokenMs) &&
    fillOptional(buffer, start, template.durationMs, event.durationMs) &&
    fillOptional(buffer, start, template.tokensInput, tokens.input) &&
    fillOptional(buffer, start, template.tokensOutput, tokens.output) &&
    fillOptional(buffer, start, template.tokensCached, tokens.cached) &&
    fillOptional(buffer, start, template.tokensReasoning, tokens.reasoning) &&
    fillOptional(buffer, start, template.connectMs, attempt.connectMs) &&
    fillOptional(buffer, start, template.headMs, attempt.headMs) &&
    fillOptional(buffer, start, template.endMs, attempt.endMs)
  if (!fits) return false
  writer.length = start + template.bytes.length
  putString(writer, e.clientAddress, event.clientAddress, wireStringBounds.client_address)
  endMessage(writer, start + template.message)
  return true
}

/** There is room for a text's worst case behind it, so that one that turns out too long has harmed nothing. */
function fillText(buffer: Buffer, at: number, text: string, bytes: number): boolean {
  return text.length <= bytes && writeUnits(buffer, at, text) === bytes
}

function fillNarrow(buffer: Buffer, at: number, value: number): boolean {
  if ((value & narrowMask) !== value) return false
  buffer[at] = value | 128
  buffer[at + 1] = (value >> 7) | 128
  buffer[at + 2] = value >> 14
  return true
}

function fillOptional(buffer: Buffer, start: number, place: Place, value: number): boolean {
  return place === absent ? value < 0 : fillNarrow(buffer, start + place, value)
}

function fillWide(buffer: Buffer, at: number, value: number): boolean {
  const high = Math.floor(value / (lowMask + 1))
  const low = value - high * (lowMask + 1)
  if ((low & lowMask) !== low || (high & highMask) !== high) return false
  buffer[at] = low | 128
  buffer[at + 1] = (low >> 7) | 128
  buffer[at + 2] = (low >> 14) | 128
  buffer[at + 3] = (low >> 21) | 128
  buffer[at + 4] = high | 128
  buffer[at + 5] = high >> 7
  return true
}

/** Built where the record would stand in `writer`, which is left as it was. null = none that others could be written over. */
function templateOf(writer: ProtobufWriter, event: LogEvent, attempt: LogAttempt): Template | null {
  const { requestId, tokens } = event
  const { keyHint } = attempt
  if (mayBeCut(requestId, wireStringBounds.request_id) || mayBeCut(keyHint, wireStringBounds.key_hint)) return null
  const start = writer.length
  const wide = (field: number): Place => putRoom(writer, field, wideBytes) - start
  const narrow = (field: number): Place => putRoom(writer, field, narrowBytes) - start
  const optional = (field: number, value: number): Place => (value < 0 ? absent : narrow(field))

  const message = beginMessage(writer, payloadEventField)
  const requestPlaces = {
    sequence: wide(e.sequence),
    receivedAtMs: wide(e.receivedAtMs),
    requestId: putTextRoom(writer, e.requestId, requestId) - start,
    bytesIn: narrow(e.bytesIn),
    bytesOut: narrow(e.bytesOut),
    firstByteMs: optional(e.firstByteMs, event.firstByteMs),
    firstTokenMs: optional(e.firstTokenMs, event.firstTokenMs),
    durationMs: optional(e.durationMs, event.durationMs),
    tokensInput: optional(e.tokensInput, tokens.input),
    tokensOutput: optional(e.tokensOutput, tokens.output),
    tokensCached: optional(e.tokensCached, tokens.cached),
    tokensReasoning: optional(e.tokensReasoning, tokens.reasoning),
  }
  putRequest(writer, event)
  putString(writer, e.userAgent, event.userAgent, wireStringBounds.user_agent)
  putResult(writer, event)

  const nested = beginMessage(writer, e.attempts)
  const attemptPlaces = {
    keyId: wide(a.keyId),
    startedAtMs: wide(a.startedAtMs),
    keyHint: putTextRoom(writer, a.keyHint, keyHint) - start,
    connectMs: optional(a.connectMs, attempt.connectMs),
    headMs: optional(a.headMs, attempt.headMs),
    endMs: optional(a.endMs, attempt.endMs),
  }
  putUint(writer, a.number, attempt.number)
  putUint(writer, a.groupId, attempt.groupId)
  putString(writer, a.upstream, attempt.upstream, wireStringBounds.upstream)
  putAttemptResult(writer, attempt)
  endMessage(writer, nested)

  const bytes = Uint8Array.from(writer.buffer.subarray(start, writer.length))
  writer.length = start
  if (bytes.length > maxTemplateBytes) return null
  return {
    bytes,
    message: message - start,
    request: requestLikeness(event),
    attempt: attemptLikeness(attempt),
    requestIdBytes: Buffer.byteLength(requestId),
    keyHintBytes: Buffer.byteLength(keyHint),
    ...requestPlaces,
    ...attemptPlaces,
  }
}

const mayBeCut = (text: string, maxBytes: number): boolean => text.length * maxUnitBytes > maxBytes

/** The value's place; it is written by `fill`. */
function putRoom(writer: ProtobufWriter, field: number, bytes: number): number {
  putTag(writer, field, wireType.varint)
  writer.length += bytes
  return writer.length - bytes
}

/** As `putRoom`. The text has less than 128 bytes. */
function putTextRoom(writer: ProtobufWriter, field: number, text: string): number {
  const bytes = Buffer.byteLength(text)
  putTag(writer, field, wireType.bytes)
  writer.buffer[writer.length] = bytes
  writer.length += 1 + bytes
  return writer.length - bytes
}

function requestLikeness(event: LogEvent): RequestLikeness {
  const { groupId, memberGroupId, channel, isStream, accessKeyId, status, errorClass, endReason, isSampledOut } = event
  return {
    groupId,
    memberGroupId,
    channel,
    isStream,
    accessKeyId,
    status,
    errorClass,
    endReason,
    isSampledOut,
    groupName: ownText(event.groupName),
    memberGroupName: ownText(event.memberGroupName),
    method: ownText(event.method),
    requestPath: ownText(event.requestPath),
    modelRequested: ownText(event.modelRequested),
    modelSent: ownText(event.modelSent),
    userAgent: ownText(event.userAgent),
    errorCode: ownText(event.errorCode),
    errorMessage: ownText(event.errorMessage),
  }
}

function attemptLikeness({ number, groupId, status, errorClass, ...texts }: LogAttempt): AttemptLikeness {
  return {
    number,
    groupId,
    status,
    errorClass,
    upstream: ownText(texts.upstream),
    errorCode: ownText(texts.errorCode),
    errorMessage: ownText(texts.errorMessage),
  }
}

/** What was cut out of a request's head would keep all of that head in memory, credentials included. */
function ownText(text: string): string {
  return Buffer.from(text).toString()
}
