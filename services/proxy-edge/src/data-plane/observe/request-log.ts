import { keyHint } from '@gpt-load/contracts/key-hint'
import type { EndReason, LogAttempt, LogEvent, TokenUsage } from '@gpt-load/contracts/log-event'
import { logStringBounds } from '@gpt-load/contracts/log-event'
import type { Attempt } from '../attempt.ts'
import type { AttemptFailure } from '../attempt-failure.ts'
import { maskText } from '../answer/mask-secret.ts'
import { findHeader } from '../headers/raw-headers.ts'
import type { AccessKey } from '../plan/access-key-index.ts'
import type { GroupPlan } from '../plan/group-plan.ts'
import { turnMs } from '../turn-clock.ts'

/** What a request leaves behind, gathered while it runs. Fields in place of a draft event, so that it is built once. */
export class RequestLog {
  readonly requestId: string
  readonly receivedAtMs: number
  readonly startedMs = turnMs()
  readonly attempts: LogAttempt[] = []
  outer: GroupPlan | null = null
  served: GroupPlan | null = null
  accessKey: AccessKey | null = null
  modelRequested = ''
  modelSent = ''
  isStream = false
  /** The target may hold parameters that are secrets. */
  hasQuery = true
  status = 0
  errorClass: LogEvent['errorClass'] = ''
  errorCode = ''
  errorMessage = ''
  endReason: EndReason = 'complete'
  firstByteMs = -1
  firstTokenMs = -1
  bytesIn = 0
  bytesOut = 0

  constructor(requestId: string, receivedAtMs: number) {
    this.requestId = requestId
    this.receivedAtMs = receivedAtMs
  }

  elapsedMs(): number {
    return turnMs() - this.startedMs
  }

  fail(failure: AttemptFailure, secret: string, mask: string): void {
    this.errorClass = failure.errorClass
    this.errorCode = cut(failure.code, logStringBounds.error_code)
    this.errorMessage = cut(maskText(failure.message, secret, mask), logStringBounds.error_message)
  }

  /** Why it came to that failure, before what the upstream said. */
  explain(reason: string): void {
    this.errorMessage = cut(`${reason}; ${this.errorMessage}`, logStringBounds.error_message)
  }

  /** An answer of our own. */
  refuse({ status, code, message }: { status: number; code: string; message: string }): void {
    // Nobody's fault but ours is no class: nothing was tried.
    this.errorClass = code === 'KEYS_RATE_LIMITED' ? 'rate_limit' : status < 500 ? 'client' : ''
    this.errorCode = code
    this.errorMessage = message
  }

  addAttempt(attempt: Attempt, failure: AttemptFailure | null): void {
    const { target } = attempt
    const message = failure === null ? '' : maskText(failure.message, target.secret, attempt.mask)
    this.attempts.push({
      number: attempt.number,
      groupId: target.plan.id,
      keyId: target.keyId,
      keyHint: keyHint(target.secret),
      upstream: cut(target.upstream.label, logStringBounds.upstream),
      startedAtMs: Math.round(attempt.startedAtMs),
      connectMs: Math.round(attempt.connectMs),
      headMs: Math.round(attempt.headMs),
      endMs: Math.round(attempt.endMs === -1 ? turnMs() - attempt.startedMs : attempt.endMs),
      status: attempt.status,
      errorClass: failure?.errorClass ?? '',
      errorCode: cut(failure?.code ?? '', logStringBounds.error_code),
      errorMessage: cut(message, logStringBounds.error_message),
    })
  }

  build(source: {
    method: string
    target: string
    rawHeaders: readonly string[]
    clientAddress: string
    tokens: TokenUsage
  }): Omit<LogEvent, 'sequence'> {
    return {
      requestId: this.requestId,
      receivedAtMs: this.receivedAtMs,
      groupId: this.outer?.id ?? 0,
      groupName: this.outer?.name ?? '',
      memberGroupId: this.served?.id ?? 0,
      memberGroupName: this.served?.name ?? '',
      channel: this.outer?.channel.type ?? '',
      method: source.method,
      requestPath: cut(this.hasQuery ? loggedPath(source.target) : source.target, logStringBounds.request_path),
      modelRequested: cut(this.modelRequested, logStringBounds.model),
      modelSent: cut(this.modelSent, logStringBounds.model),
      isStream: this.isStream,
      accessKeyId: this.accessKey?.id ?? 0,
      clientAddress: cut(source.clientAddress, logStringBounds.client_address),
      userAgent: cut(findHeader(source.rawHeaders, 'user-agent'), logStringBounds.user_agent),
      status: this.status,
      errorClass: this.errorClass,
      errorCode: this.errorCode,
      errorMessage: this.errorMessage,
      endReason: this.endReason,
      firstByteMs: Math.round(this.firstByteMs),
      firstTokenMs: Math.round(this.firstTokenMs),
      durationMs: Math.round(this.elapsedMs()),
      bytesIn: this.bytesIn,
      bytesOut: this.bytesOut,
      tokens: source.tokens,
      attempts: this.attempts,
      isSampledOut: this.#isSampledOut(),
    }
  }

  /** By the group that served it. What went wrong on its way always gets its row. */
  #isSampledOut(): boolean {
    const percent = (this.served ?? this.outer)?.settings.request_log_sample_percent ?? 100
    if (percent === 100) return false
    const isPlain = this.status < 400 && this.endReason === 'complete' && this.attempts.length <= 1
    return isPlain && Math.random() * 100 >= percent
  }
}

/** Whole characters only, so that what is stored is valid UTF-8. */
function cut(text: string, maxCharacters: number): string {
  if (text.length <= maxCharacters) return text
  const end = text.charCodeAt(maxCharacters - 1) >> 10 === 0x36 ? maxCharacters - 1 : maxCharacters
  return text.slice(0, end)
}

/** The target without the values of parameters that may be secrets. */
export function loggedPath(target: string): string {
  const mark = target.indexOf('?')
  if (mark === -1) return target
  const parts = target
    .slice(mark + 1)
    .split('&')
    .map(maskParameter)
  return `${target.slice(0, mark)}?${parts.join('&')}`
}

function maskParameter(parameter: string): string {
  const end = parameter.indexOf('=')
  if (end === -1) return parameter
  const name = parameter.slice(0, end)
  return name.includes('%') || secretName.test(name) ? `${name}=***` : parameter
}

const secretName = /key|token|secret|sig|auth|password|credential|code/i
