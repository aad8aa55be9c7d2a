import type { GroupPlan } from '../plan/group-plan.ts'
import type { UpstreamHealth } from './upstream-health.ts'

type Circuits = Pick<UpstreamHealth, 'isClosed' | 'claimTrial' | 'giveBackTrial'>

/**
 * Which upstream of a group the next attempt goes to, by weight: among those that are healthy and have not failed this
 * request; then healthy ones; then, since a circuit never refuses a request, any. Of an open circuit whose time is over the
 * first request is the trial, whatever the weights.
 */
export class UpstreamChooser {
  readonly #health: Circuits
  /** Of the last choice: its circuit is not closed, so its outcome decides about it. */
  isTrial = false
  /** Slot whose trial the last choice has claimed; -1 = none. */
  #claimed = -1

  constructor(health: Circuits) {
    this.#health = health
  }

  /** @param failed marks of upstreams that failed this request. -1 = the group has none. */
  choose(plan: GroupPlan, failed: Uint8Array | null): number {
    this.isTrial = false
    this.#claimed = -1
    if (this.#areAllClosed(plan)) return plan.upstreamRotation.nextPreferring(failed)
    return this.#chooseAroundOpen(plan, failed)
  }

  /** Nothing is sent to what was chosen. */
  giveBack(): void {
    if (this.#claimed !== -1) this.#health.giveBackTrial(this.#claimed)
    this.#claimed = -1
  }

  /** False: all that it has are open, so that another member is better. */
  hasClosed({ upstreams }: GroupPlan): boolean {
    for (let index = 0; index < upstreams.length; index += 1)
      if (this.#health.isClosed(upstreams[index]!.healthSlot)) return true
    return false
  }

  #areAllClosed({ upstreams }: GroupPlan): boolean {
    for (let index = 0; index < upstreams.length; index += 1)
      if (!this.#health.isClosed(upstreams[index]!.healthSlot)) return false
    return true
  }

  #chooseAroundOpen({ upstreams, upstreamRotation }: GroupPlan, failed: Uint8Array | null): number {
    const open = new Uint8Array(upstreams.length)
    const avoided = failed === null ? new Uint8Array(upstreams.length) : failed.slice()
    for (let index = 0; index < upstreams.length; index += 1) {
      const { healthSlot } = upstreams[index]!
      if (this.#health.isClosed(healthSlot)) continue
      open[index] = 1
      if (avoided[index] === 0 && this.#health.claimTrial(healthSlot)) {
        this.isTrial = true
        this.#claimed = healthSlot
        return index
      }
      avoided[index] = 1
    }
    for (const marks of [avoided, open]) {
      const index = upstreamRotation.next(marks)
      if (index !== -1) return index
    }
    this.isTrial = true
    return upstreamRotation.nextPreferring(failed)
  }
}
