import { earliestReturn } from './answer/pool-state.ts'
import type { KeyTable } from './key-table/key-table.ts'
import type { RequestCounters } from './observe/counters.ts'
import type { GroupPlan } from './plan/group-plan.ts'
import type { Target, TargetSelector } from './select-target.ts'
import { type TimerTarget, type TimerWheel, WheelTimer } from './timer-wheel.ts'
import { type LineNode, WaitingLine } from './waiting-line.ts'

/**
 * Where requests wait that found every key out for a time: up to `key_wait_ms`, at most `max_key_waiting_requests` of a group
 * and worker, and only when a key returns before that. Served in the order in which they came; a pool that returns with a
 * few keys takes in so many requests at a time, so that a whole line does not fall upon the first key.
 */
export type KeyWaitServices = {
  readonly table: KeyTable
  readonly wheel: TimerWheel
  readonly counters: RequestCounters
}

export interface KeyWaitOwner {
  onKeyFound(target: Target): void
  /** The time is over. */
  onKeyWaitOver(): void
}

export class KeyWaitingRoom {
  readonly services: KeyWaitServices
  readonly #line = new WaitingLine<KeyWait>(() => this.#serveLine(), pollIntervalMs)
  /** Requests let in during this round, by group. */
  readonly #served = new Map<number, number>()

  constructor(services: KeyWaitServices) {
    this.services = services
  }

  /** False: the group's line is full. */
  enter(wait: KeyWait): boolean {
    const { number, settings } = wait.outer
    if (this.#line.countOf(number) >= settings.max_key_waiting_requests) return false
    this.#line.add(wait)
    return true
  }

  leave(wait: KeyWait): void {
    this.#line.remove(wait)
  }

  close(): void {
    this.#line.close()
  }

  #serveLine(): void {
    const now = performance.now()
    this.#served.clear()
    for (let wait = this.#line.first; wait !== null;) {
      const next: KeyWait | null = wait.nextWaiter
      if (now >= wait.lookAtMs && this.#hasTurn(wait.outer)) wait.look()
      wait = next
    }
  }

  #hasTurn({ number, isAggregate, members }: GroupPlan): boolean {
    const { table } = this.services
    const served = this.#served.get(number) ?? 0
    const usable = isAggregate
      ? members.reduce((sum, member) => sum + table.usableCount(member.number), 0)
      : table.usableCount(number)
    if (served >= usable) return false
    this.#served.set(number, served + 1)
    return true
  }
}

/** One request in the room; made only when it waits. */
export class KeyWait implements LineNode<KeyWait>, TimerTarget {
  readonly outer: GroupPlan
  nextWaiter: KeyWait | null = null
  previousWaiter: KeyWait | null = null
  /** Monotonic; before it no key returns. */
  lookAtMs = 0
  readonly #room: KeyWaitingRoom
  readonly #owner: KeyWaitOwner
  readonly #selector: TargetSelector
  readonly #timer = new WheelTimer(this)
  /** Monotonic; one budget for all waits of the request. */
  readonly #endMs: number
  #isWaiting = false

  constructor(room: KeyWaitingRoom, owner: KeyWaitOwner, outer: GroupPlan, selector: TargetSelector) {
    this.#room = room
    this.#owner = owner
    this.outer = outer
    this.#selector = selector
    this.#endMs = performance.now() + outer.settings.key_wait_ms
  }

  /** @param maxMs what the request has left; false: waiting is no use, nothing was begun */
  begin(maxMs: number): boolean {
    const { wheel, counters } = this.#room.services
    const leftMs = Math.min(maxMs, this.#endMs - performance.now())
    const returnMs = this.#msUntilReturn()
    if (returnMs === -1 || returnMs > leftMs || !this.#room.enter(this)) return false
    this.#isWaiting = true
    this.#planLook(returnMs)
    wheel.arm(this.#timer, leftMs)
    counters.add('key_waits', 1)
    return true
  }

  look(): void {
    this.#selector.reopen()
    const target = this.#selector.select()
    if (target === null) return this.#planLook(Math.max(pollIntervalMs, this.#msUntilReturn()))
    this.stop()
    this.#room.services.counters.add('key_waits_served', 1)
    this.#owner.onKeyFound(target)
  }

  onTimer(): void {
    this.stop()
    this.#owner.onKeyWaitOver()
  }

  stop(): void {
    if (!this.#isWaiting) return
    this.#isWaiting = false
    this.#room.leave(this)
    this.#room.services.wheel.disarm(this.#timer)
  }

  /** -1: none returns by itself. */
  #msUntilReturn(): number {
    const until = earliestReturn(this.#room.services.table, this.outer, this.#selector)
    return until === 0 ? -1 : Math.max(0, until - Date.now())
  }

  #planLook(inMs: number): void {
    this.lookAtMs = performance.now() + Math.min(inMs, maxUnseenMs)
  }
}

const pollIntervalMs = 5
/** A key that a person restores is noticed within this. */
const maxUnseenMs = 250
