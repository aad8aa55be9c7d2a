import type { Settings } from '@gpt-load/contracts/settings'
import { maxLimitedAccessKeys } from './caller-limits/caller-memory.ts'
import { maxGroupNumbers } from './key-table/shared-columns.ts'
import type { GroupPlan } from './plan/group-plan.ts'
import { type LineNode, WaitingLine } from './waiting-line.ts'

/**
 * How many requests may be under way, over all workers of the process: in all (MAX_CONCURRENT_REQUESTS), per group and per access
 * key. Counters in shared memory, so the bound is exact whichever worker a connection fell to; each worker also keeps what it has
 * entered itself, from which the main thread takes back what a dead one had open. Requests that find no room in the process or their
 * group wait in a line of their worker, bounded in number and time by the group's settings. A slot that another worker freed is
 * noticed within a few milliseconds.
 */
export const openRequestsBytes = (1 + maxGroupNumbers + maxLimitedAccessKeys) * Int32Array.BYTES_PER_ELEMENT
const wholeProcess = 0
const firstAccessKey = 1 + maxGroupNumbers
/** Only while somebody waits. */
const pollIntervalMs = 5

/** A request in the line. */
export interface Waiter extends LineNode<Waiter> {
  readonly outer: GroupPlan
  /** It has entered. */
  onRoom(): void
}

export type GateOptions = {
  openRequests: SharedArrayBuffer
  /** What this worker has entered; of the same size. */
  ownRequests: SharedArrayBuffer
  /** 0 = no limit. */
  maxRequests: number
}

export class RequestGate {
  readonly #open: Int32Array
  readonly #own: Int32Array
  readonly #max: number
  readonly #line = new WaitingLine<Waiter>(() => this.#serveLine(), pollIntervalMs)

  constructor({ openRequests, ownRequests, maxRequests }: GateOptions) {
    this.#open = new Int32Array(openRequests)
    this.#own = new Int32Array(ownRequests)
    this.#max = maxRequests
  }

  /** False: there is no room, and nothing was entered. */
  enter({ number, settings }: GroupPlan): boolean {
    if (!this.#take(wholeProcess, this.#max)) return false
    if (this.#take(number + 1, settings.max_concurrent_requests)) return true
    this.#giveBack(wholeProcess)
    return false
  }

  leave({ number }: GroupPlan): void {
    this.#giveBack(number + 1)
    this.#giveBack(wholeProcess)
    if (this.#line.first !== null) this.#serveLine()
  }

  /**
   * False: as many requests of the access key are under way, and nothing was entered. Who has entered may stand in a line after
   * that.
   * @param limitNumber of the access key (caller-limits/caller-memory.ts)
   */
  enterCaller(limitNumber: number, most: number): boolean {
    return this.#take(firstAccessKey + limitNumber, most)
  }

  leaveCaller(limitNumber: number): void {
    this.#giveBack(firstAccessKey + limitNumber)
  }

  /** False: the line of the group is full, or it has none. */
  wait(waiter: Waiter): boolean {
    const { number, settings } = waiter.outer
    if (this.#line.countOf(number) >= settings.max_waiting_requests) return false
    this.#line.add(waiter)
    return true
  }

  /** It waits no longer: its time is over, or its client has left. */
  forget(waiter: Waiter): void {
    this.#line.remove(waiter)
  }

  close(): void {
    this.#line.close()
  }

  /** In order; a group that is full does not hold up the others behind it. */
  #serveLine(): void {
    for (let waiter = this.#line.first; waiter !== null;) {
      const next: Waiter | null = waiter.nextWaiter
      if (this.enter(waiter.outer)) {
        this.#line.remove(waiter)
        waiter.onRoom()
      }
      waiter = next
    }
  }

  #take(index: number, max: number): boolean {
    const before = Atomics.add(this.#open, index, 1)
    if (max !== 0 && before >= max) {
      Atomics.sub(this.#open, index, 1)
      return false
    }
    this.#own[index]! += 1
    return true
  }

  #giveBack(index: number): void {
    Atomics.sub(this.#open, index, 1)
    this.#own[index]! -= 1
  }
}

/** Main thread: a worker has died with requests open. */
export function releaseDead(openRequests: SharedArrayBuffer, ownRequests: SharedArrayBuffer): void {
  const open = new Int32Array(openRequests)
  const own = new Int32Array(ownRequests)
  for (const [index, count] of own.entries()) if (count !== 0) Atomics.sub(open, index, count)
  own.fill(0)
}

/** Main thread: how many requests of a limited access key are under way, by its number. */
export function readCallers(openRequests: SharedArrayBuffer): (limitNumber: number) => number {
  const open = new Int32Array(openRequests)
  return (limitNumber) => open[firstAccessKey + limitNumber] as number
}

/** What a caller is told that found no room: the group's own bound, or the process is full. */
export function refusalAtGate({ max_concurrent_requests }: Settings): 'RATE_LIMITED' | 'OVERLOADED' {
  return max_concurrent_requests === 0 ? 'OVERLOADED' : 'RATE_LIMITED'
}
