import type { Classification } from '@gpt-load/channels/channel'
import type { ErrorClass } from '@gpt-load/contracts/error-class'
import type { TimeoutStage } from '@gpt-load/contracts/proxy-errors'
import type { UpstreamError } from './wire/upstream-exchange.ts'

/** An upstream's answer that was held back while it was judged. */
export type HeldAnswer = {
  readonly status: number
  readonly reason: string
  readonly rawHeaders: readonly string[]
  readonly body: Uint8Array
  readonly rawTrailers: readonly string[]
  /** False: more of it is still to come on the attempt's connection. */
  readonly isWhole: boolean
  /** The body decoded, when it came in a content coding and was understood. */
  readonly decoded: Uint8Array | null
  /** The key that was used: it must not reach the client. */
  readonly secret: string
  readonly mask: string
}

/** Why an attempt did not become the answer. */
export type AttemptFailure = {
  readonly errorClass: ErrorClass
  readonly code: string
  readonly message: string
  /** 0: nothing came back. */
  readonly status: number
  readonly classification: Classification | null
  readonly stage: TimeoutStage | ''
  readonly isUnsent: boolean
  /** The upstream did nothing, or was never reached: a creating call may be repeated. */
  readonly isUnprocessed: boolean
  /** It came as the first event of an answer with a good status. */
  readonly isPreamble: boolean
  /** Null: there is nothing that could be passed on. */
  readonly answer: HeldAnswer | null
}

export function failureOfError({ kind, code, isUnsent }: UpstreamError): AttemptFailure {
  return {
    errorClass: 'network',
    code: kind,
    message: `${kind} (${code})`,
    status: 0,
    classification: null,
    stage: kind === 'connect_timeout' ? 'connect' : '',
    isUnsent,
    isUnprocessed: isUnsent,
    isPreamble: false,
    answer: null,
  }
}

export function failureOfTimeout(stage: TimeoutStage, isUnsent: boolean): AttemptFailure {
  return {
    errorClass: stage === 'connect' ? 'network' : 'upstream',
    code: `timeout_${stage}`,
    message: `timeout (${stage})`,
    status: 0,
    classification: null,
    stage,
    isUnsent,
    isUnprocessed: isUnsent,
    isPreamble: false,
    answer: null,
  }
}

export function failureOfAnswer(
  answer: HeldAnswer,
  classification: Classification,
  isPreamble: boolean,
): AttemptFailure {
  return {
    errorClass: classification.errorClass,
    code: classification.code,
    message: classification.message,
    status: answer.status,
    classification,
    stage: '',
    isUnsent: false,
    isUnprocessed: classification.isUnprocessed,
    isPreamble,
    answer,
  }
}

/** What an attempt ends with when the client has left: nobody's fault. */
export const abortedByClient: AttemptFailure = {
  errorClass: 'client_abort',
  code: 'client_abort',
  message: 'the client closed the connection',
  status: 0,
  classification: null,
  stage: '',
  isUnsent: false,
  isUnprocessed: false,
  isPreamble: false,
  answer: null,
}
