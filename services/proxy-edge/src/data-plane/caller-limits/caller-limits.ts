import type { AccessKey } from '../plan/access-key-index.ts'
import type { GroupPlan } from '../plan/group-plan.ts'
import type { RequestGate } from '../request-gate.ts'
import { requestRoomAt, tokenRoomAt, turnMinute } from '../sliding-minute.ts'
import type { CallerCaps } from './caller-caps.ts'
import { accessKeyRow, type CallerMemory, groupRow } from './caller-memory.ts'

/**
 * Limits of callers: of the access key, and of the group in the URL. A request that passes them counts whatever becomes of
 * it; who is past one is refused at once, and does not stand in anybody's line.
 *
 * Requests are counted before they are compared, so workers that count at the same time let in no more than the limit. Tokens
 * are known when a request has ended: those under way may still go over it.
 */
export type ReachedLimit = {
  of: 'access key' | 'group'
  name: 'max_concurrent_requests' | 'max_requests_per_minute' | 'max_tokens_per_minute'
  /** Over all edges. */
  most: number
  retryAfterSeconds: number
}

/** Clock minutes are the same on all edges. */
export type ServerClock = { serverNowMs(): number }
export type CallerLimitsOptions = { memory: CallerMemory; gate: RequestGate; clock: ServerClock }

/** When one of its requests ends nobody knows. */
const concurrentRetrySeconds = 1

export class CallerLimits {
  readonly #memory: CallerMemory
  readonly #gate: RequestGate
  readonly #clock: ServerClock

  constructor({ memory, gate, clock }: CallerLimitsOptions) {
    this.#memory = memory
    this.#gate = gate
    this.#clock = clock
  }

  /** null = it has entered, and `leave` is due. */
  enter(accessKey: AccessKey, group: GroupPlan): ReachedLimit | null {
    const { caps } = accessKey
    if (caps === null && group.callerCaps === null) return null
    const nowMs = this.#clock.serverNowMs()
    const keyRow = accessKeyRow(accessKey.limitNumber)
    const ownRow = groupRow(group.number)
    if (caps !== null) Atomics.add(this.#memory.arrivals, keyRow, 1)
    if (group.callerCaps !== null) Atomics.add(this.#memory.arrivals, ownRow, 1)
    const byKey = caps === null ? null : this.#count(caps, keyRow, 'access key', nowMs)
    if (byKey !== null) return byKey
    const byGroup = group.callerCaps === null ? null : this.#count(group.callerCaps, ownRow, 'group', nowMs)
    const reached = byGroup ?? (caps === null ? null : this.#enterGate(caps, accessKey.limitNumber))
    if (reached === null) return null
    if (caps !== null) this.#uncount(caps, keyRow)
    if (byGroup === null && group.callerCaps !== null) this.#uncount(group.callerCaps, ownRow)
    return reached
  }

  leave({ caps, limitNumber }: AccessKey): void {
    if (caps !== null && caps.concurrent !== 0) this.#gate.leaveCaller(limitNumber)
  }

  spend(accessKey: AccessKey, group: GroupPlan, tokens: number): void {
    if (accessKey.caps !== null) this.#spend(accessKey.caps, accessKeyRow(accessKey.limitNumber), tokens)
    if (group.callerCaps !== null) this.#spend(group.callerCaps, groupRow(group.number), tokens)
  }

  #count(caps: CallerCaps, row: number, of: ReachedLimit['of'], nowMs: number): ReachedLimit | null {
    const memory = this.#memory
    const { requestsPerMinute, tokensPerMinute } = caps
    if (tokensPerMinute !== 0) {
      const at = tokenRoomAt(memory, row, memory.partOf(row, tokensPerMinute), nowMs)
      if (at !== 0) return reachedIn('max_tokens_per_minute', of, tokensPerMinute, at - nowMs)
    }
    if (requestsPerMinute === 0) return null
    const most = memory.partOf(row, requestsPerMinute)
    turnMinute(memory, row, nowMs)
    Atomics.add(memory.minuteRequests, row, 1)
    // It is among them itself.
    if (requestRoomAt(memory, row, most + 1, nowMs) === 0) return null
    this.#uncount(caps, row)
    return reachedIn('max_requests_per_minute', of, requestsPerMinute, requestRoomAt(memory, row, most, nowMs) - nowMs)
  }

  #uncount({ requestsPerMinute }: CallerCaps, row: number): void {
    if (requestsPerMinute !== 0) Atomics.sub(this.#memory.minuteRequests, row, 1)
  }

  #enterGate({ concurrent }: CallerCaps, limitNumber: number): ReachedLimit | null {
    if (concurrent === 0) return null
    const most = this.#memory.partOf(accessKeyRow(limitNumber), concurrent)
    if (this.#gate.enterCaller(limitNumber, most)) return null
    return {
      of: 'access key',
      name: 'max_concurrent_requests',
      most: concurrent,
      retryAfterSeconds: concurrentRetrySeconds,
    }
  }

  #spend({ tokensPerMinute }: CallerCaps, row: number, tokens: number): void {
    if (tokensPerMinute === 0) return
    turnMinute(this.#memory, row, this.#clock.serverNowMs())
    Atomics.add(this.#memory.minuteTokens, row, tokens)
  }
}

function reachedIn(name: ReachedLimit['name'], of: ReachedLimit['of'], most: number, retryInMs: number): ReachedLimit {
  return { of, name, most, retryAfterSeconds: Math.max(1, Math.ceil(retryInMs / 1_000)) }
}
