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
import type { DownstreamExchange } from '../wire/downstream-exchange.ts'

/**
 * What a request leaves behind, gathered while it runs: the record itself, so that nothing has to be put together at the end.
 * Whole after `complete`.
 */
export class RequestLog implements LogEvent {
  /** The recorder's to give. */
  sequence = 0
  readonly requestId: string
  readonly receivedAtMs: number
  groupId = 0
  groupName = ''
  memberGroupId = 0
  memberGroupName = ''
  channel: LogEvent['channel'] = ''
  method = ''
  requestPath = ''
  modelRequested = ''
  modelSent = ''
  isStream = false
  accessKeyId = 0
  clientAddress = ''
  userAgent = ''
  status = 0
  errorClass: LogEvent['errorClass'] = ''
  errorCode = ''
  errorMessage = ''
  endReason: EndReason = 'complete'
  firstByteMs = -1
  firstTokenMs = -1
  durationMs = -1
  bytesIn = 0
  bytesOut = 0
  tokens = unknownUsage
  readonly attempts: LogAttempt[] = []
  isSampledOut = false

  readonly startedMs = turnMs()
  outer: GroupPlan | null = null
  accessKey: AccessKey | null = null
  /** The target may hold parameters that are secrets. */
  hasQuery = true
  /** Of the group that served it. */
  #samplePercent = 100

  constructor(requestId: string, receivedAtMs: number) {
    this.requestId = requestId
    this.receivedAtMs = receivedAtMs
  }

  /** null = as far as it came, there was none. */
  enter(outer: GroupPlan | null, accessKey: AccessKey | null): void {
    this.outer = outer
    this.accessKey = accessKey
    this.accessKeyId = accessKey?.id ?? 0
    if (outer === null) return
    this.groupId = outer.id
    this.groupName = outer.name
    this.channel = outer.channel.type
    this.#samplePercent = outer.settings.request_log_sample_percent
  }

  serveBy(plan: GroupPlan, model: string): void {
    this.memberGroupId = plan.id
    this.memberGroupName = plan.name
    this.modelSent = model
    this.#samplePercent = plan.settings.request_log_sample_percent
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

  /** @param usage null = the answer was none that tells it */
  complete({ method, target, rawHeaders }: Exchange, clientAddress: string, usage: TokenUsage | null): this {
    this.method = method
    this.requestPath = cut(this.hasQuery ? loggedPath(target) : target, logStringBounds.request_path)
    this.modelRequested = cut(this.modelRequested, logStringBounds.model)
    this.modelSent = cut(this.modelSent, logStringBounds.model)
    this.clientAddress = cut(clientAddress, logStringBounds.client_address)
    this.userAgent = cut(findHeader(rawHeaders, 'user-agent'), logStringBounds.user_agent)
    this.firstByteMs = Math.round(this.firstByteMs)
    this.firstTokenMs = Math.round(this.firstTokenMs)
    this.durationMs = Math.round(this.elapsedMs())
    if (usage !== null) this.tokens = usage
    this.isSampledOut = this.#isSampledOut()
    return this
  }

  /** What went wrong on its way always gets its row. */
  #isSampledOut(): boolean {
    if (this.#samplePercent === 100) return false
    const isPlain = this.status < 400 && this.endReason === 'complete' && this.attempts.length <= 1
    return isPlain && Math.random() * 100 >= this.#samplePercent
  }
}

type Exchange = Pick<DownstreamExchange, 'method' | 'target' | 'rawHeaders'>

const unknownUsage: TokenUsage = { input: -1, output: -1, cached: -1, reasoning: -1 }

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
