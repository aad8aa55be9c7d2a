import type { ErrorClass } from './error-class.ts'
import type { ChannelType } from './channel-types.ts'

/**
 * One event per request, with all its attempts. Data only; packages/transport/log-batch holds the encoding (protobuf wire
 * format, additive: unknown fields are skipped). Strings are cut at the edge to the bounds below and are valid UTF-8.
 */
export const logStringBounds = {
  request_path: 2_048,
  user_agent: 512,
  error_message: 2_048,
  model: 255,
  error_code: 100,
  upstream: 500,
  client_address: 64,
} as const

export const endReasons = ['complete', 'client_abort', 'upstream_abort', 'timeout', 'proxy_error'] as const
export type EndReason = (typeof endReasons)[number]

export type LogAttempt = {
  /** 1-based. */
  number: number
  groupId: number
  keyId: number
  /** Display form of the key: `sk-a…Zx9`. Never the key. */
  keyHint: string
  upstream: string
  startedAtMs: number
  /** Milliseconds since the attempt began; -1 = did not happen. */
  connectMs: number
  headMs: number
  endMs: number
  status: number
  errorClass: ErrorClass | ''
  errorCode: string
  errorMessage: string
}

export type TokenUsage = { input: number; output: number; cached: number; reasoning: number }

export type LogEvent = {
  /** Consecutive per edge instance and worker, from 1: gaps are losses. */
  sequence: number
  requestId: string
  /** Epoch ms, skew corrected. */
  receivedAtMs: number
  /** Group in the URL; for an aggregate `memberGroupId` served it. */
  groupId: number
  groupName: string
  memberGroupId: number
  memberGroupName: string
  channel: ChannelType | ''
  method: string
  /** Without query secrets. */
  requestPath: string
  modelRequested: string
  modelSent: string
  isStream: boolean
  accessKeyId: number
  clientAddress: string
  userAgent: string
  /** Status that the client got; 499 = it left before. */
  status: number
  errorClass: ErrorClass | ''
  errorCode: string
  errorMessage: string
  endReason: EndReason
  /** Milliseconds since received; -1 = did not happen. */
  firstByteMs: number
  firstTokenMs: number
  durationMs: number
  bytesIn: number
  bytesOut: number
  /** -1 = unknown. */
  tokens: TokenUsage
  attempts: readonly LogAttempt[]
  /** It leaves no row: it is counted in the rollups only. */
  isSampledOut: boolean
}

/** Identity of a batch; never changes once sealed, so a resend is byte-identical. */
export type LogBatchIdentity = {
  /** Edge instance and worker: `{instance}.{worker}`. */
  source: string
  edge: string
  firstSequence: number
  count: number
}

/**
 * Of what an edge seals at once: by time below 25,000 requests a second and worker, since each further batch costs as much as some
 * hundred records. Its bytes are those of 2,000 common records and some more. A killed edge loses what it has not sealed; 100 ms
 * of requests is what it may.
 */
export const logBatchBounds = { events: 2_000, bytes: 655_360, ms: 80 } as const
export const logTopic = 'request-logs'
export const logPartitions = 6
