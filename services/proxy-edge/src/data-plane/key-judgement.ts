import type { Classification } from '@gpt-load/channels/channel'
import type { ErrorClass } from '@gpt-load/contracts/error-class'
import type { ErrorRule } from '@gpt-load/contracts/error-rules'
import type { Attempt } from './attempt.ts'
import type { AttemptFailure } from './attempt-failure.ts'
import { classOfRule, findRule } from './error-rules.ts'
import type { KeyTable } from './key-table/key-table.ts'
import type { LimitHold } from './limit-hold.ts'
import type { KeyFailure, KeyOutcomes } from './observe/key-outcomes.ts'
import type { RuleObservations } from './observe/rule-observations.ts'
import type { RequestServices } from './request-services.ts'
import type { Target } from './select-target.ts'

type JudgementServices = Pick<RequestServices, 'outcomes' | 'observations' | 'limits' | 'table'>

/**
 * What one request says about the keys that it used. Clear limits count at once, so that other requests leave the key alone.
 * A refusal, and whatever needs corroboration, waits: a later key that accepts the same request proves it; else it is
 * reported uncorroborated at the end. Faults of caller, upstream, network or client never reach a key. A rule of the group
 * that names the error decides instead.
 */
export class KeyJudgement {
  readonly #outcomes: KeyOutcomes
  readonly #observations: RuleObservations
  readonly #limits: LimitHold
  readonly #table: Pick<KeyTable, 'count'>
  readonly #requestId: string
  #waiting: { target: Target; failure: KeyFailure }[] | null = null

  constructor(services: JudgementServices, requestId: string) {
    this.#outcomes = services.outcomes
    this.#observations = services.observations
    this.#limits = services.limits
    this.#table = services.table
    this.#requestId = requestId
  }

  failed({ target }: Attempt, failure: AttemptFailure): void {
    const { classification } = failure
    // Below 400 only a literal failover code made it a failure, and those never decide about keys.
    const isLiteral = failure.status < 400 && !failure.isPreamble
    if (classification === null || isLiteral) return
    const { errorRules } = target.plan
    if (errorRules !== null) {
      const observed = findRule(errorRules.observed, failure)
      if (observed !== null) this.#observations.matched(observed, target, classification.until, concernsKey(failure))
      const rule = findRule(errorRules.live, failure)
      if (rule !== null) return this.#obey(rule, target, failure, classification)
    }
    if (!concernsKey(failure)) return
    const judged = this.#describe(target, failure, classification, failure.errorClass)
    const isLimit = judged.errorClass === 'rate_limit' && !judged.needsCorroboration
    if (isLimit && this.#limits.take(target, judged, this.#table.count(target.plan.number))) return
    this.#judge(target, judged)
  }

  #obey(rule: ErrorRule, target: Target, failure: AttemptFailure, classification: Classification): void {
    const errorClass = classOfRule(rule)
    if (errorClass === null) return
    const judged = this.#describe(target, failure, classification, errorClass)
    // An operator's word needs no second key, unless the error may be of a caller's making.
    judged.needsCorroboration = classification.isQuoted
    if (rule.forMs > 0) {
      judged.until = this.#outcomes.nowMs() + rule.forMs
      judged.deadlineSource = 'operator'
    }
    if (rule.action !== 'invalidate' || judged.needsCorroboration) return this.#judge(target, judged)
    const { keyPolicy } = target.plan
    const policy = { ...keyPolicy, blacklistThreshold: Math.max(1, keyPolicy.blacklistThreshold) }
    this.#outcomes.failed(target, judged, policy, true)
  }

  #describe(
    target: Target,
    { status, code }: AttemptFailure,
    { until, deadlineSource, needsCorroboration, isModelScoped }: Classification,
    errorClass: ErrorClass,
  ): KeyFailure {
    const model = isModelScoped ? target.model : ''
    const requestId = this.#requestId
    return { errorClass, until, deadlineSource, needsCorroboration, status, code, requestId, model }
  }

  #judge(target: Target, failure: KeyFailure): void {
    if (failure.errorClass !== 'key_auth' && !failure.needsCorroboration)
      return this.#outcomes.failed(target, failure, target.plan.keyPolicy, false)
    this.#waiting ??= []
    this.#waiting.push({ target, failure })
  }

  succeeded(target: Target): void {
    this.#outcomes.succeeded(target, this.#requestId)
    if (this.#observations.isWatching) this.#observations.succeeded(target.keyId)
    this.#settle(true)
  }

  /** Nothing more can corroborate. */
  end(): void {
    this.#settle(false)
  }

  #settle(isCorroborated: boolean): void {
    const waiting = this.#waiting
    if (waiting === null) return
    this.#waiting = null
    for (const { target, failure } of waiting)
      this.#outcomes.failed(target, failure, target.plan.keyPolicy, isCorroborated)
  }
}

function concernsKey({ errorClass }: AttemptFailure): boolean {
  return errorClass === 'key_auth' || errorClass === 'key_quota' || errorClass === 'rate_limit'
}
