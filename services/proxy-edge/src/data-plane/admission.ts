import { findAccessKey, removeKeyFromQuery } from '@gpt-load/channels/proxy-credentials'
import type { ProxyErrorCode } from '@gpt-load/contracts/proxy-errors'
import { BodyIntake, type IntakeOwner } from './body/body-intake.ts'
import { RequestBody } from './body/request-body.ts'
import type { ReachedLimit } from './caller-limits/caller-limits.ts'
import { findHeader } from './headers/raw-headers.ts'
import type { RequestLog } from './observe/request-log.ts'
import type { GroupPlan } from './plan/group-plan.ts'
import { completeFacts, RequestFacts } from './request-facts.ts'
import { refusalAtGate, type Waiter } from './request-gate.ts'
import type { RequestServices } from './request-services.ts'
import { admit } from './route/admit.ts'
import { countHops } from './route/count-hops.ts'
import type { Route } from './route/match-request.ts'
import { isListedModelOffered, isModelOffered } from './shape/decide-model.ts'
import type { Shapeable } from './shape/shape-request.ts'
import { type TimerTarget, WheelTimer } from './timer-wheel.ts'
import type { DownstreamExchange } from './wire/downstream-exchange.ts'

/**
 * A request from its head until it can be tried: may it pass, is there room for it, what does it ask for, and enough of its
 * body. Afterwards it holds what the attempts are made from, and goes on taking in the body.
 *
 *   admit -> limits of the caller -> [wait for room] -> describe -> take in the body -> onAdmitted
 *
 * The owner hears exactly one of `onAdmitted`, `onRefused` and `onLimited`, none after `end`.
 */
export interface AdmissionOwner {
  onAdmitted(): void
  onRefused(code: ProxyErrorCode, retryAfterSeconds: number): void
  onLimited(reached: ReachedLimit): void
}

type Phase = 'begun' | 'waiting_for_room' | 'receiving' | 'admitted' | 'over'

export class Admission implements Shapeable, Waiter, IntakeOwner, TimerTarget {
  readonly rawHeaders: readonly string[]
  readonly contentLength: number
  readonly hops: number
  readonly isUpgrade: boolean
  facts!: RequestFacts
  outer!: GroupPlan
  body!: RequestBody
  /** The plain JSON of a compressed body that a rule may rewrite. */
  decodedBody: Uint8Array | null = null
  nextWaiter: Waiter | null = null
  previousWaiter: Waiter | null = null
  readonly #owner: AdmissionOwner
  readonly #services: RequestServices
  readonly #exchange: DownstreamExchange
  readonly #route: Route
  readonly #log: RequestLog
  #phase: Phase = 'begun'
  #intake: BodyIntake | null = null
  #lastModel = ''
  #hasRoom = false
  /** Among what its access key has under way. */
  #isCounted = false
  /** Only of requests that wait. */
  #waitTimer: WheelTimer | null = null

  constructor(
    owner: AdmissionOwner,
    services: RequestServices,
    exchange: DownstreamExchange,
    route: Route,
    log: RequestLog,
  ) {
    this.#owner = owner
    this.#services = services
    this.#exchange = exchange
    this.#route = route
    this.#log = log
    this.rawHeaders = exchange.rawHeaders
    this.contentLength = exchange.contentLength
    this.hops = countHops(exchange.rawHeaders)
    this.isUpgrade = exchange.isUpgrade
  }

  /** '' until it was seen; may still come when the body flows on. */
  get scannedModel(): string {
    return this.#intake?.scanner.model ?? this.#lastModel
  }

  begin(): void {
    const refusal = this.#admit()
    if (refusal !== null) this.#refuse(refusal, passesSoon(refusal) ? 1 : 0)
    else if (!this.#passLimits()) return
    else if (this.#services.gate.enter(this.outer)) this.onRoom()
    else this.#waitForRoom()
  }

  onRoom(): void {
    this.#hasRoom = true
    if (this.#waitTimer !== null) this.#services.wheel.disarm(this.#waitTimer)
    this.#phase = 'receiving'
    this.#describe()
    if (isListedModelOffered(this.outer, this.facts.method, this.facts.path)) this.#takeInBody()
    else this.#refuse('MODEL_NOT_ALLOWED', 0)
  }

  onTimer(): void {
    this.#services.gate.forget(this)
    this.#refuse(refusalAtGate(this.outer.settings), 1)
  }

  onData(chunk: Uint8Array): void {
    this.#intake?.onData(chunk)
  }

  onEnd(rawTrailers: readonly string[]): void {
    this.#intake?.onEnd(rawTrailers)
    this.#letGoOfIntake()
  }

  onBodyRefused(code: ProxyErrorCode): void {
    if (this.#phase === 'receiving') this.#refuse(code, code === 'OVERLOADED' ? 1 : 0)
  }

  onBodyReady(): void {
    // The client may have left while a compressed body was decoded.
    if (this.#phase !== 'receiving') return
    const { outer, facts } = this
    completeFacts(facts, outer, { rawHeaders: this.rawHeaders, scanner: this.#intake!.scanner, body: this.body })
    this.#log.modelRequested = facts.model
    this.#log.isStream = outer.channel.isStream(facts)
    if (!outer.isAggregate && !isModelOffered(outer, outer, facts.model, facts.place))
      return this.#refuse('MODEL_NOT_ALLOWED', 0)
    this.#phase = 'admitted'
    this.decodedBody = this.#intake!.decoded
    this.#letGoOfIntake()
    this.#owner.onAdmitted()
  }

  /** The body is whole and known: what has read it is not kept for as long as the answer takes. */
  #letGoOfIntake(): void {
    if (this.#intake === null || this.#phase !== 'admitted' || !this.body.isComplete) return
    this.#lastModel = this.#intake.scanner.model
    this.#intake = null
  }

  /** Gives back the room, and whatever is held. */
  end(): void {
    if (this.#phase === 'waiting_for_room') this.#services.gate.forget(this)
    this.#phase = 'over'
    this.#intake = null
    this.decodedBody = null
    if (this.#waitTimer !== null) this.#services.wheel.disarm(this.#waitTimer)
    if (this.#hasRoom) this.#services.gate.leave(this.outer)
    if (this.#isCounted) this.#services.callers.leave(this.#log.accessKey!)
    this.body?.dispose()
  }

  #admit(): ProxyErrorCode | null {
    const { policies, shedder } = this.#services
    const { method, rawHeaders } = this.#exchange
    const caller = policies.accessKeys.find(findAccessKey(this.#route.query, rawHeaders), policies.serverNowMs())
    const { refusal, plan, accessKey } = admit(policies, this.#route, { method, hops: this.hops, accessKey: caller })
    this.#log.enter(plan, accessKey)
    if (plan !== null) this.outer = plan
    if (refusal !== null) return refusal
    return shedder.isShedding ? 'OVERLOADED' : null
  }

  #passLimits(): boolean {
    const reached = this.#services.callers.enter(this.#log.accessKey!, this.outer)
    this.#isCounted = reached === null
    if (reached === null) return true
    this.#phase = 'over'
    this.#owner.onLimited(reached)
    return false
  }

  #waitForRoom(): void {
    const { gate, wheel } = this.#services
    if (!gate.wait(this)) return this.#refuse(refusalAtGate(this.outer.settings), 1)
    this.#phase = 'waiting_for_room'
    this.#waitTimer = new WheelTimer(this)
    wheel.arm(this.#waitTimer, this.outer.settings.max_wait_ms)
  }

  #describe(): void {
    const { method } = this.#exchange
    const { path, query } = this.#route
    this.facts = new RequestFacts(this.outer.channel, method, path, removeKeyFromQuery(query), this.rawHeaders)
  }

  #takeInBody(): void {
    const { settings, rewritesBody } = this.outer
    const maxHeld = rewritesBody
      ? Math.max(settings.max_body_bytes, settings.replay_buffer_bytes)
      : settings.replay_buffer_bytes
    this.body = new RequestBody({
      memory: this.#services.bodyMemory,
      budget: this.#services.replay,
      maxHeldBytes: maxHeld,
      contentLength: this.contentLength,
    })
    this.#intake = new BodyIntake(this, this.body, {
      contentLength: this.contentLength,
      encoding: findHeader(this.rawHeaders, 'content-encoding'),
      isJson: findHeader(this.rawHeaders, 'content-type').toLowerCase().includes('json'),
      mayRewrite: rewritesBody,
      maxWholeBytes: settings.max_body_bytes,
    })
    if (this.contentLength === 0) this.#intake.begin()
    else this.#exchange.resume()
  }

  #refuse(code: ProxyErrorCode, retryAfterSeconds: number): void {
    this.#phase = 'over'
    this.#owner.onRefused(code, retryAfterSeconds)
  }
}

/** Worth trying again in a second. */
function passesSoon(code: ProxyErrorCode): boolean {
  return code === 'OVERLOADED' || code === 'NOT_READY'
}
