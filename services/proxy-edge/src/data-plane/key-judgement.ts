import type { Attempt } from './attempt.ts'
import type { AttemptFailure } from './attempt-failure.ts'
import type { KeyFailure, KeyOutcomes } from './observe/key-outcomes.ts'
import type { Target } from './select-target.ts'

/**
 * What one request says about the keys that it used. Clear limits count at once, so that other requests leave the key alone.
 * A refusal, and whatever needs corroboration, waits: a later key that accepts the same request proves it; else it is
 * reported uncorroborated at the end. Faults of caller, upstream, network or client never reach a key.
 */
export class KeyJudgement {
  readonly #outcomes: KeyOutcomes
  readonly #requestId: string
  #waiting: { target: Target; failure: KeyFailure }[] | null = null

  constructor(outcomes: KeyOutcomes, requestId: string) {
    this.#outcomes = outcomes
    this.#requestId = requestId
  }

  failed({ target }: Attempt, failure: AttemptFailure): void {
    const { classification } = failure
    // Below 400 only a literal failover code made it a failure, and those never decide about keys.
    const isLiteral = failure.status < 400 && !failure.isPreamble
    if (classification === null || isLiteral || !concernsKey(failure)) return
    const judged: KeyFailure = {
      errorClass: failure.errorClass,
      until: classification.until,
      deadlineSource: classification.deadlineSource,
      needsCorroboration: classification.needsCorroboration,
      status: failure.status,
      code: failure.code,
      requestId: this.#requestId,
      model: classification.isModelScoped ? target.model : '',
    }
    if (failure.errorClass !== 'key_auth' && !classification.needsCorroboration)
      return this.#outcomes.failed(target, judged, target.plan.keyPolicy, false)
    this.#waiting ??= []
    this.#waiting.push({ target, failure: judged })
  }

  succeeded(target: Target): void {
    this.#outcomes.succeeded(target, this.#requestId)
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
