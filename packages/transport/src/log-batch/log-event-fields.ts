import type { ChannelType } from '@gpt-load/contracts/channel-types'
import type { ErrorClass } from '@gpt-load/contracts/error-class'
import { logStringBounds } from '@gpt-load/contracts/log-event'
import type { EndReason } from '@gpt-load/contracts/log-event'

// Numbers on the wire, as log-event.proto has them. A number is never reused: old and new edges run beside old and new
// ingest.

export const eventField = {
  sequence: 1,
  requestId: 2,
  receivedAtMs: 3,
  groupId: 4,
  groupName: 5,
  memberGroupId: 6,
  memberGroupName: 7,
  channel: 8,
  method: 9,
  requestPath: 10,
  modelRequested: 11,
  modelSent: 12,
  isStream: 13,
  accessKeyId: 14,
  clientAddress: 15,
  userAgent: 16,
  status: 17,
  errorClass: 18,
  errorCode: 19,
  errorMessage: 20,
  endReason: 21,
  firstByteMs: 22,
  firstTokenMs: 23,
  durationMs: 24,
  bytesIn: 25,
  bytesOut: 26,
  tokensInput: 27,
  tokensOutput: 28,
  tokensCached: 29,
  tokensReasoning: 30,
  attempts: 31,
  isSampledOut: 32,
} as const

export const attemptField = {
  number: 1,
  groupId: 2,
  keyId: 3,
  keyHint: 4,
  upstream: 5,
  startedAtMs: 6,
  connectMs: 7,
  headMs: 8,
  endMs: 9,
  status: 10,
  errorClass: 11,
  errorCode: 12,
  errorMessage: 13,
} as const

export const identityField = { source: 1, edge: 2, firstSequence: 3, count: 4 } as const
/** The one field of the payload. */
export const payloadEventField = 1

export const wireType = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const

/** Bytes of UTF-8 at which writer and reader cut. */
export const wireStringBounds = {
  ...logStringBounds,
  request_id: 128,
  group_name: 128,
  method: 32,
  key_hint: 64,
  identity: 128,
} as const

/** Retries are few; a request with more attempts keeps the first 63 and the last. */
export const maxEncodedAttempts = 64

export const channelNumber = {
  '': 0,
  openai: 1,
  'openai-response': 2,
  anthropic: 3,
  gemini: 4,
  'azure-openai': 5,
} as const satisfies Record<ChannelType | '', number>

export const errorClassNumber = {
  '': 0,
  client: 1,
  key_auth: 2,
  key_quota: 3,
  rate_limit: 4,
  upstream: 5,
  network: 6,
  client_abort: 7,
} as const satisfies Record<ErrorClass | '', number>

export const endReasonNumber = {
  complete: 0,
  client_abort: 1,
  upstream_abort: 2,
  timeout: 3,
  proxy_error: 4,
} as const satisfies Record<EndReason, number>

export const channelByNumber = namesByNumber(channelNumber)
export const errorClassByNumber = namesByNumber(errorClassNumber)
export const endReasonByNumber = namesByNumber(endReasonNumber)

function namesByNumber<T extends string>(numbers: Record<T, number>): readonly T[] {
  const names: T[] = []
  for (const [name, number] of Object.entries(numbers) as [T, number][]) names[number] = name
  return names
}
