import type { ErrorRule } from '@gpt-load/contracts/error-rules'
import type { RuleObserved } from '../../worker-protocol.ts'
import type { Target } from '../select-target.ts'
import { classOfRule } from '../error-rules.ts'

/**
 * What rules that are only observed would have done, and whether it would have been right: a key that a rule would have taken
 * out and that serves a request within that time speaks against it.
 */
export class RuleObservations {
  readonly #post: (observed: RuleObserved) => void
  readonly #nowMs: () => number
  readonly #watched = new Map<number, { groupId: number; rule: string; untilMs: number }>()

  constructor(options: { post: (observed: RuleObserved) => void; serverNowMs: () => number }) {
    this.#post = options.post
    this.#nowMs = options.serverNowMs
  }

  /** False without a look at any key: nothing is observed. */
  get isWatching(): boolean {
    return this.#watched.size > 0
  }

  /** @param namedUntil the provider's own deadline; 0 = none. @param costsKey what is in force takes it as the key's fault */
  matched(rule: ErrorRule, { plan, keyId }: Target, namedUntil: number, costsKey: boolean): void {
    const isSparing = classOfRule(rule) === null
    const base = { groupId: plan.id, rule: rule.text }
    this.#post({ ...base, kind: !isSparing || costsKey ? 'would_change' : 'no_change' })
    if (isSparing) return
    const nowMs = this.#nowMs()
    const untilMs = rule.forMs > 0 ? nowMs + rule.forMs : Math.max(namedUntil, nowMs + defaultWatchMs)
    if (this.#watched.size >= maxWatchedKeys) this.#forgetOldest()
    this.#watched.set(keyId, { ...base, untilMs })
  }

  succeeded(keyId: number): void {
    const watched = this.#watched.get(keyId)
    if (watched === undefined) return
    this.#watched.delete(keyId)
    const { groupId, rule, untilMs } = watched
    if (this.#nowMs() < untilMs) this.#post({ groupId, rule, kind: 'succeeded_after' })
  }

  #forgetOldest(): void {
    const [oldest] = this.#watched.keys()
    if (oldest !== undefined) this.#watched.delete(oldest)
  }
}

const maxWatchedKeys = 4_096
/** When neither rule nor provider says for how long. */
const defaultWatchMs = 3_600_000
