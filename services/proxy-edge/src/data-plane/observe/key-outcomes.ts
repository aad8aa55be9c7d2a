import type { Cause, KeyFacts } from '@gpt-load/contracts/key-state'
import type { ErrorClass } from '@gpt-load/contracts/error-class'
import { applyFailure, type FailureOutcome, type JudgedFailure } from '@gpt-load/key-health/apply-failure'
import { applySuccess } from '@gpt-load/key-health/apply-success'
import type { KeyPolicy } from '@gpt-load/key-health/key-policy'
import type { KeyOutcome } from '../../worker-protocol.ts'
import type { KeyTable } from '../key-table/key-table.ts'

/** The key of one attempt, as it was picked: later the slot may belong to another key or generation. */
export type UsedKey = { readonly slot: number; readonly keyId: number; readonly generation: number }

export type KeyFailure = JudgedFailure & {
  status: number
  code: string
  requestId: string
  /** '' = the key itself; else the limit concerns this model only. */
  model: string
}

export type KeyOutcomesOptions = {
  table: KeyTable
  post: (outcome: KeyOutcome) => void
  /** Name of this edge, for causes. */
  edge: string
  /** Server clock, epoch ms. */
  serverNowMs: () => number
}

/**
 * What requests do to keys: judged by key-health, put into force in the table for all workers at once, then reported. An
 * outcome of a key that was restored, replaced or removed meanwhile changes nothing here.
 */
export class KeyOutcomes {
  readonly #options: KeyOutcomesOptions

  constructor(options: KeyOutcomesOptions) {
    this.#options = options
  }

  /** Server clock, epoch ms. */
  nowMs(): number {
    return this.#options.serverNowMs()
  }

  succeeded(key: UsedKey, requestId: string): void {
    const { table } = this.#options
    if (!table.needsSuccessReport(key.slot)) return
    const facts = this.#factsOf(key)
    if (facts === null) return
    const outcome = applySuccess(facts, this.#options.serverNowMs())
    if (!outcome.isChanged) return
    table.apply(key.slot, key.keyId, outcome.facts)
    this.#post(key, '', outcome.facts, 0, true, this.#cause('success', requestId, 0, ''))
  }

  /** Leaves the key (or its `model`) alone for a moment, here only: nothing has been judged yet. */
  rest({ slot, keyId, generation }: UsedKey, model: string, until: number): void {
    const { table } = this.#options
    const facts: KeyFacts = { state: 'cooling', until, generation, failures: 0 }
    if (model === '') table.apply(slot, keyId, facts)
    else table.applyModel(slot, keyId, model, facts)
  }

  failed(key: UsedKey, failure: KeyFailure, policy: KeyPolicy, isCorroborated: boolean): void {
    const facts = this.#factsOf(key)
    if (facts === null) return
    const isOfModel = failure.model !== ''
    // A limit of one model begins from a clean record: the key's own state is another matter.
    const before: KeyFacts = isOfModel ? { ...facts, state: 'active', until: 0, failures: 0 } : facts
    const outcome = applyFailure(before, failure, {
      isCorroborated,
      policy,
      nowMs: this.nowMs(),
      jitter: Math.random(),
    })
    if (!outcome.isChanged && !outcome.isCounted) return
    this.#enforce(key, failure, outcome)
  }

  #enforce(key: UsedKey, failure: KeyFailure, { facts, isCounted, deadlineSource }: FailureOutcome): void {
    const { table } = this.#options
    if (failure.model === '') table.apply(key.slot, key.keyId, facts)
    else table.applyModel(key.slot, key.keyId, failure.model, facts)
    const cause = this.#cause(failure.errorClass, failure.requestId, failure.status, failure.code)
    if (deadlineSource !== null) cause.deadline_source = deadlineSource
    this.#post(key, failure.model, facts, isCounted ? 1 : 0, false, cause)
  }

  #factsOf(key: UsedKey): KeyFacts | null {
    const { table } = this.#options
    if (table.keyId(key.slot) !== key.keyId) return null
    const facts = table.facts(key.slot)
    return facts.generation === key.generation ? facts : null
  }

  #cause(errorClass: ErrorClass | 'success', requestId: string, status: number, code: string): Cause {
    const { edge, serverNowMs } = this.#options
    const cause: Cause = { at: serverNowMs(), class: errorClass, request_id: requestId, edge }
    if (status >= 100) cause.status = status
    if (code !== '') cause.code = code.slice(0, 100)
    return cause
  }

  #post(key: UsedKey, model: string, facts: KeyFacts, failures: number, succeeded: boolean, cause: Cause): void {
    this.#options.post({ keyId: key.keyId, model, facts, failures, succeeded, cause })
  }
}
