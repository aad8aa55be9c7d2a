import type { KeyFailure, KeyOutcomes } from './observe/key-outcomes.ts'
import type { GroupPlan } from './plan/group-plan.ts'
import type { Target } from './select-target.ts'
import { type TimerTarget, type TimerWheel, WheelTimer } from './timer-wheel.ts'
import { type Circuit, limitWindowMs, minStormKeys, type UpstreamHealth } from './upstream-health/upstream-health.ts'

/**
 * Rate limits of keys in groups that could go elsewhere: each rests its key for a second, and is judged after it. When by then
 * so many keys were limited that the upstream itself is (upstream-health), the key has done nothing and is free again.
 * With no other healthy upstream every limit is the key's: the pool must slow down somewhere.
 */
export class LimitHold implements TimerTarget {
  readonly #outcomes: KeyOutcomes
  readonly #health: UpstreamHealth
  readonly #wheel: TimerWheel
  readonly #timer = new WheelTimer(this)
  #held: HeldLimit[] = []

  constructor(services: { outcomes: KeyOutcomes; upstreamHealth: UpstreamHealth; wheel: TimerWheel }) {
    this.#outcomes = services.outcomes
    this.#health = services.upstreamHealth
    this.#wheel = services.wheel
  }

  /** True: nothing is to be done about the key now. False: the limit is the key's own. */
  take(target: Target, failure: KeyFailure, keyCount: number): boolean {
    const { plan, upstream } = target
    const { healthSlot } = upstream
    const stormKeys = stormKeysOf(plan.circuit, keyCount)
    if (stormKeys === 0 || healthSlot === -1 || !this.#hasOther(plan, healthSlot)) return false
    if (this.#health.limited(healthSlot, target.keyId, { ...plan.circuit, stormKeys })) return true
    if (this.#held.length === maxHeld) return false
    const nowMs = this.#outcomes.nowMs()
    this.#outcomes.rest(target, failure.model, nowMs + limitWindowMs)
    this.#held.push({ target, failure, dueMs: nowMs + limitWindowMs })
    if (this.#held.length === 1) this.#wheel.arm(this.#timer, limitWindowMs)
    return true
  }

  onTimer(): void {
    this.#judge(this.#outcomes.nowMs())
    const [next] = this.#held
    if (next !== undefined) this.#wheel.arm(this.#timer, Math.max(1, next.dueMs - this.#outcomes.nowMs()))
  }

  /** The end: what is held is judged as it stands. */
  close(): void {
    this.#wheel.disarm(this.#timer)
    this.#judge(Infinity)
  }

  #judge(nowMs: number): void {
    const open = this.#held.findIndex(({ dueMs }) => dueMs > nowMs)
    const due = this.#held.splice(0, open === -1 ? this.#held.length : open)
    for (const { target, failure } of due)
      if (!this.#health.isThrottled(target.upstream.healthSlot))
        this.#outcomes.failed(target, failure, target.plan.keyPolicy, false)
  }

  #hasOther({ upstreams, upstreamRotation }: GroupPlan, healthSlot: number): boolean {
    for (let index = 0; index < upstreams.length; index += 1) {
      const other = upstreams[index]!.healthSlot
      if (other !== healthSlot && upstreamRotation.weightOf(index) > 0 && this.#health.isClosed(other)) return true
    }
    return false
  }
}

type HeldLimit = { readonly target: Target; readonly failure: KeyFailure; readonly dueMs: number }

/** Per worker; past it limits count at once. */
const maxHeld = 4_096

/** 0 = none can be told: it is off, or there are too few keys. */
export function stormKeysOf({ stormKeys }: Circuit, keyCount: number): number {
  return keyCount < minStormKeys ? 0 : Math.min(stormKeys, Math.max(minStormKeys, Math.ceil(keyCount / 2)))
}
