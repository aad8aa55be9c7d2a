import type { Channel } from '@gpt-load/channels/channel'
import { removeKeyFromQuery } from '@gpt-load/channels/proxy-credentials'
import type { EndReason } from '@gpt-load/contracts/log-event'
import type { ProxyErrorCode } from '@gpt-load/contracts/proxy-errors'
import { AnswerRelay } from './answer/answer-relay.ts'
import { guessChannel } from './answer/dialect-of.ts'
import { chooseFinal, prepareAnswer, setRetryAfter } from './answer/final-answer.ts'
import { poolRetryAfter, poolState } from './answer/pool-state.ts'
import { listRules, rewriteModelList } from './answer/rewrite-model-list.ts'
import { type ProxyError, proxyError, sendProxyError } from './answer/send-proxy-error.ts'
import { Attempt, type AttemptOwner, type HeadVerdict } from './attempt.ts'
import { abortedByClient, type AttemptFailure } from './attempt-failure.ts'
import { BodyIntake, type IntakeOwner } from './body/body-intake.ts'
import { RequestBody } from './body/request-body.ts'
import { findHeader } from './headers/raw-headers.ts'
import { passResponseHeaders } from './headers/response-headers.ts'
import { KeyJudgement } from './key-judgement.ts'
import { RequestAccount } from './observe/request-account.ts'
import { RequestLog } from './observe/request-log.ts'
import type { GroupPlan } from './plan/group-plan.ts'
import type { HeaderVariables } from './plan/header-rules.ts'
import { RequestFacts } from './request-facts.ts'
import { refusalAtGate, type Waiter } from './request-gate.ts'
import type { RequestServices } from './request-services.ts'
import { backoffMs, failsOver, isFailureStatus, isHeldBack, isUpstreamFault } from './retry-policy.ts'
import { admit } from './route/admit.ts'
import { countHops } from './route/count-hops.ts'
import type { Route } from './route/match-request.ts'
import { type Target, TargetSelector } from './select-target.ts'
import { isModelOffered } from './shape/decide-model.ts'
import { overriddenStream } from './shape/shape-body.ts'
import { type Shapeable, shapeModel, shapeRequest } from './shape/shape-request.ts'
import { type TimerTarget, WheelTimer } from './timer-wheel.ts'
import { type BridgeEnd, type BridgeOwner, TunnelBridge } from './tunnel-bridge.ts'
import type { DownstreamExchange, DownstreamReceiver, Tunnel } from './wire/downstream-exchange.ts'

/**
 * One proxied request, from its head to its record. The passes, in order:
 *
 *   admit -> describe -> take in the body -> select member, key and upstream -> shape -> attempt -> [judge -> next attempt]
 *         -> relay or final answer -> record
 *
 * Invariants: at most one attempt is alive; nothing goes to the client before it is decided that this answer is the one; the
 * end is reached exactly once, whatever the order in which client, upstream and timers give up. Knows the wire ports only.
 */
type State = 'waiting_for_room' | 'receiving' | 'attempting' | 'waiting' | 'relaying' | 'tunnelling' | 'ending' | 'over'

export class ProxyRequest
  implements
    DownstreamReceiver,
    AttemptOwner,
    IntakeOwner,
    TimerTarget,
    HeaderVariables,
    Shapeable,
    Waiter,
    BridgeOwner
{
  readonly requestId: string
  readonly rawHeaders: readonly string[]
  readonly contentLength: number
  readonly hops: number
  readonly isUpgrade: boolean
  facts!: RequestFacts
  outer!: GroupPlan
  body!: RequestBody
  secret = ''
  model = ''
  groupName = ''
  nextWaiter: Waiter | null = null
  previousWaiter: Waiter | null = null
  readonly #services: RequestServices
  readonly #exchange: DownstreamExchange
  readonly #route: Route
  readonly #log: RequestLog
  readonly #account: RequestAccount
  readonly #relay: AnswerRelay
  readonly #judgement: KeyJudgement
  readonly #stageTimer = new WheelTimer(this)
  readonly #totalTimer = new WheelTimer(this)
  /** Only of groups that want to hear of silence. */
  #keepaliveTimer: WheelTimer | null = null
  #bridge: TunnelBridge | null = null
  #state: State = 'receiving'
  #intake: BodyIntake | null = null
  #selector: TargetSelector | null = null
  #attempt: Attempt | null = null
  #attemptCount = 0
  /** Chosen, and begun when the back-off is over. */
  #nextTarget: Target | null = null
  /** The last answer of an earlier attempt that may still become the final one. */
  #kept: AttemptFailure | null = null
  #isPausedByUpload = false
  #isEntered = false

  constructor(services: RequestServices, exchange: DownstreamExchange, route: Route) {
    this.#services = services
    this.#exchange = exchange
    this.#route = route
    this.requestId = services.ids.create()
    this.rawHeaders = exchange.rawHeaders
    this.contentLength = exchange.contentLength
    this.hops = countHops(exchange.rawHeaders)
    this.isUpgrade = exchange.isUpgrade
    this.#log = new RequestLog(this.requestId, services.policies.serverNowMs())
    this.#account = new RequestAccount(services, this.#log)
    this.#relay = new AnswerRelay(exchange, this.#log, services.cors)
    this.#judgement = new KeyJudgement(services.outcomes, this.requestId)
  }

  get clientAddress(): string {
    const address = this.#exchange.remoteAddress
    return address.startsWith('::ffff:') ? address.slice(7) : address
  }

  get accessKeyName(): string {
    return this.#log.accessKey?.name ?? ''
  }

  get decodedBody(): Uint8Array | null {
    return this.#intake?.decoded ?? null
  }

  begin(): void {
    this.#account.begin()
    const refusal = this.#admit()
    if (refusal !== null) return this.#refuse(refusal, passesSoon(refusal) ? 1 : 0)
    if (this.#services.gate.enter(this.outer)) this.onRoom()
    else this.#waitForRoom()
  }

  #waitForRoom(): void {
    const { gate, wheel } = this.#services
    if (!gate.wait(this)) return this.#refuse(refusalAtGate(this.outer.settings), 1)
    this.#state = 'waiting_for_room'
    wheel.arm(this.#stageTimer, this.outer.settings.max_wait_ms)
  }

  onRoom(): void {
    this.#isEntered = true
    if (this.#state === 'waiting_for_room') this.#services.wheel.disarm(this.#stageTimer)
    this.#state = 'receiving'
    this.#describe()
    if (!this.#offersModel()) return this.#refuse('MODEL_NOT_ALLOWED')
    this.#takeInBody()
  }

  #admit(): ProxyErrorCode | null {
    const { policies, shedder } = this.#services
    const { refusal, plan, accessKey } = admit(policies, this.#exchange, this.#route, this.hops)
    this.#log.outer = plan
    this.#log.accessKey = accessKey
    if (plan !== null) this.outer = plan
    if (refusal !== null) return refusal
    return shedder.isShedding ? 'OVERLOADED' : null
  }

  #describe(): void {
    const { method } = this.#exchange
    const { path, query } = this.#route
    this.facts = new RequestFacts(this.outer.channel, method, path, removeKeyFromQuery(query), this.rawHeaders)
  }

  /** A GET of one model obeys a strict list; other models are known when the body is. */
  #offersModel(): boolean {
    const { redirects, channel } = this.outer
    if (redirects === null || !redirects.isStrict) return true
    const asked = channel.modelListPath(this.facts.method, this.facts.path)?.model ?? ''
    return asked === '' || redirects.isKnown(asked)
  }

  #takeInBody(): void {
    const { settings, rewritesBody } = this.outer
    const maxHeld = rewritesBody
      ? Math.max(settings.max_body_bytes, settings.replay_buffer_bytes)
      : settings.replay_buffer_bytes
    this.body = new RequestBody(this.#services.replay, maxHeld)
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

  onData(chunk: Uint8Array): void {
    this.#log.bytesIn += chunk.length
    if (this.#intake === null || this.#state === 'ending' || this.#state === 'over') return
    this.#intake.onData(chunk)
    this.#attempt?.pump()
  }

  onEnd(rawTrailers: readonly string[]): void {
    if (this.#intake === null || this.#state === 'ending' || this.#state === 'over') return
    this.#intake.onEnd(rawTrailers)
    this.#attempt?.pump()
  }

  onBodyRefused(code: ProxyErrorCode): void {
    if (this.#state === 'receiving') this.#refuse(code, code === 'OVERLOADED' ? 1 : 0)
  }

  onBodyReady(): void {
    // The client may have left while a compressed body was decoded.
    if (this.#state !== 'receiving') return
    const { outer, facts } = this
    facts.read(outer.channel, this.#intake!.scanner)
    facts.bodyStream = overriddenStream(outer, outer, facts.bodyStream)
    this.#log.modelRequested = facts.model
    this.#log.isStream = outer.channel.isStream(facts)
    if (!outer.isAggregate && !isModelOffered(outer, outer, facts.model, facts.place))
      return this.#refuse('MODEL_NOT_ALLOWED')
    const { table, triedLists } = this.#services
    this.#selector = new TargetSelector(table, triedLists, outer, facts, this.#log.accessKey!.id)
    const target = this.#selector.select()
    if (target === null) this.#refuseUnserved()
    else this.#launch(target)
  }

  #launch(target: Target): void {
    const { services, stageTimer, totalTimer } = {
      services: this.#services,
      stageTimer: this.#stageTimer,
      totalTimer: this.#totalTimer,
    }
    const sentModel = shapeModel(this, target)
    this.secret = target.secret
    this.model = sentModel
    this.groupName = target.plan.name
    this.#log.modelSent = sentModel
    this.#log.served = target.plan
    this.#attemptCount += 1
    services.counters.add('attempts', 1)
    this.#state = 'attempting'
    const attempt = new Attempt({
      owner: this,
      wire: services.wire,
      wheel: services.wheel,
      stageTimer,
      totalTimer,
      target,
      number: this.#attemptCount,
      sentModel,
      body: this.body,
      isStream: this.#log.isStream,
      nowMs: () => services.policies.serverNowMs(),
    })
    this.#attempt = attempt
    this.onUploadFlow(false)
    attempt.start(shapeRequest(this, target, sentModel, this))
  }

  onUploadFlow(isBlocked: boolean): void {
    if (isBlocked === this.#isPausedByUpload) return
    this.#isPausedByUpload = isBlocked
    if (isBlocked) this.#exchange.pause()
    else if (!this.body.isComplete) this.#exchange.resume()
  }

  onAttemptConnect(isReused: boolean): void {
    this.#services.counters.add(isReused ? 'upstream_reuses' : 'upstream_connects', 1)
  }

  onAttemptInformational(status: number, rawHeaders: readonly string[]): void {
    const { target } = this.#attempt!
    this.#exchange.writeInformational(status, passResponseHeaders(rawHeaders, target.secret))
  }

  judgeHead(attempt: Attempt): HeadVerdict {
    const { plan } = attempt.target
    if (isFailureStatus(plan, attempt.status)) return 'judge'
    if (attempt.status < 300 && this.body.isReplayable && isHeldBack(plan, attempt.rawHeaders)) return 'hold'
    this.#judgement.succeeded(attempt.target)
    if (attempt.status < 300 && listRules(this.outer, plan, this.facts) !== null) return 'collect'
    this.#beginRelay(attempt)
    return 'relay'
  }

  onAttemptReleased(attempt: Attempt): void {
    this.#judgement.succeeded(attempt.target)
    this.#beginRelay(attempt)
  }

  #beginRelay(attempt: Attempt): void {
    this.#state = 'relaying'
    this.#relay.begin(attempt, this.#log.isStream)
    if (attempt.target.plan.settings.stream_keepalive_ms === 0 || !this.#relay.isOpenStream) return
    this.#keepaliveTimer = new WheelTimer(this)
    this.#armKeepalive()
  }

  #armKeepalive(): void {
    const { settings } = this.#attempt!.target.plan
    if (this.#keepaliveTimer !== null) this.#services.wheel.arm(this.#keepaliveTimer, settings.stream_keepalive_ms)
  }

  onAttemptData(chunk: Uint8Array): void {
    if (this.#keepaliveTimer !== null) this.#armKeepalive()
    if (!this.#relay.write(chunk)) this.#attempt!.pause()
  }

  onDrain(): void {
    if (this.#state === 'relaying') this.#attempt?.resume()
  }

  onAttemptEnd(rawTrailers: readonly string[]): void {
    this.#log.addAttempt(this.#attempt!, null)
    this.#end(rawTrailers, 'complete')
  }

  onAttemptUpgraded(attempt: Attempt, upstream: Tunnel): void {
    const { services, log } = { services: this.#services, log: this.#log }
    const { settings } = attempt.target.plan
    this.#judgement.succeeded(attempt.target)
    this.#state = 'tunnelling'
    log.status = attempt.status
    log.isStream = true
    const headers = this.#relay.headersOf(attempt)
    const client = this.#exchange.upgrade(attempt.status, attempt.reason, headers)
    this.#bridge = new TunnelBridge(this, { client, upstream }, services.wheel, settings.websocket_idle_timeout_ms)
    this.#bridge.start()
  }

  /** One request, however long: its record has what it carried. */
  onBridgeClosed(end: BridgeEnd): void {
    this.#log.bytesIn += this.#bridge!.bytesFromClient
    this.#log.bytesOut += this.#bridge!.bytesFromUpstream
    this.#log.addAttempt(this.#attempt!, null)
    this.#finish(end === 'idle' ? 'timeout' : 'complete')
  }

  onAttemptCollected(attempt: Attempt, body: Uint8Array, isWhole: boolean): void {
    const { plan } = attempt.target
    const rules = listRules(this.outer, plan, this.facts)!
    if (!isWhole) return this.#relayCollected(attempt, body, false)
    const answer = { rawHeaders: attempt.rawHeaders, body }
    rewriteModelList(plan, rules, this.facts.query, answer, (rewritten) => {
      if (this.#state !== 'attempting') return
      if (rewritten === null) return this.#relayCollected(attempt, body, true)
      this.#log.addAttempt(attempt, null)
      this.#relay.sendRewritten(attempt, rewritten)
      this.#end([], 'complete')
    })
  }

  #relayCollected(attempt: Attempt, body: Uint8Array, isWhole: boolean): void {
    this.#state = 'relaying'
    this.#relay.begin(attempt, false)
    const isFlowing = body.length === 0 || this.#relay.write(body)
    if (isWhole) this.onAttemptEnd([])
    else attempt.relayRest(isFlowing)
  }

  /** The client has a part of the answer already: it must see that the rest is missing. */
  onAttemptBroken(attempt: Attempt, failure: AttemptFailure): void {
    this.#account.failed(failure)
    this.#log.addAttempt(attempt, failure)
    this.#log.fail(failure, attempt.target.secret, attempt.mask)
    const endReason = failure.stage === '' ? 'upstream_abort' : 'timeout'
    const { channel, settings } = attempt.target.plan
    if (settings.stream_error_event && this.#relay.isOpenStream) {
      const code = failure.stage === '' ? 'BAD_GATEWAY' : 'UPSTREAM_TIMEOUT'
      this.#relay.write(Buffer.from(channel.renderStreamError(this.#ownError(code, 0))))
      return this.#end([], endReason)
    }
    this.#exchange.abort()
    this.#finish(endReason)
  }

  onAttemptFailed(attempt: Attempt, failure: AttemptFailure): void {
    if (this.#state === 'over') return
    this.#account.failed(failure)
    this.#log.addAttempt(attempt, failure)
    this.#judgement.failed(attempt, failure)
    this.#tellSelector(attempt, failure)
    const next = this.#mayRetry(attempt, failure) ? this.#selector!.select() : null
    if (next === null) return this.#answerFailed(attempt, failure)
    if (failure.answer?.isWhole === true && failure.errorClass !== 'key_auth') this.#kept = failure
    attempt.abort()
    this.#retry(attempt, failure, next)
  }

  #tellSelector({ target }: Attempt, failure: AttemptFailure): void {
    if (isUpstreamFault(failure)) this.#selector!.upstreamFailed(target)
    else this.#selector!.keyFailed(target.slot)
  }

  #mayRetry(attempt: Attempt, failure: AttemptFailure): boolean {
    if (!failsOver(attempt.target.plan, failure) || !this.body.isReplayable) return false
    if (this.#log.elapsedMs() >= this.outer.settings.retry_deadline_ms) return false
    const isCreation = this.facts.stateful?.isCreation === true
    return !isCreation || failure.isUnprocessed || !attempt.isRequestSent
  }

  #retry({ target }: Attempt, failure: AttemptFailure, next: Target): void {
    this.#services.counters.add('retries', 1)
    const meetsSame = isUpstreamFault(failure) && next.upstream === target.upstream
    if (!meetsSame) return this.#launch(next)
    this.#nextTarget = next
    this.#attempt = null
    this.#state = 'waiting'
    this.onUploadFlow(true)
    this.#services.wheel.arm(this.#stageTimer, backoffMs(this.#attemptCount))
  }

  onTimer(timer: WheelTimer): void {
    if (timer === this.#keepaliveTimer) return this.#keepAlive()
    if (this.#state === 'waiting_for_room') {
      this.#services.gate.forget(this)
      return this.#refuse(refusalAtGate(this.outer.settings), 1)
    }
    const next = this.#nextTarget
    this.#nextTarget = null
    if (next !== null) this.#launch(next)
    else this.#attempt?.onTimeout(timer)
  }

  #keepAlive(): void {
    if (this.#state !== 'relaying') return
    this.#relay.sendBetweenEvents(this.#attempt!.target.plan.channel.keepaliveEvent)
    this.#armKeepalive()
  }

  #answerFailed(attempt: Attempt, last: AttemptFailure): void {
    const choice = chooseFinal(last, this.#kept)
    const prepared = choice.kind === 'answer' ? prepareAnswer(choice.answer) : null
    this.#log.fail(last, attempt.target.secret, attempt.mask)
    if (choice.kind === 'error' || prepared === null) {
      attempt.abort()
      const error = this.#ownError(choice.kind === 'error' ? choice.code : 'BAD_GATEWAY', 0)
      if (last.stage !== '') error.message += ` (${last.stage})`
      return this.#send(error, last.stage === '' ? 'proxy_error' : 'timeout')
    }
    if (prepared.status === 429)
      setRetryAfter(prepared.headers, poolRetryAfter(this.#services.table, this.outer, this.facts.model))
    const isLive = choice.failure === last && !choice.answer.isWhole
    if (!isLive) attempt.abort()
    this.#state = 'relaying'
    const isFlowing = this.#relay.send(prepared)
    if (isLive) attempt.relayRest(isFlowing)
    else this.#end(choice.answer.rawTrailers, 'complete')
  }

  #refuseUnserved(): void {
    if (this.#selector!.isModelMissing && this.outer.isAggregate && !this.#anyMemberUsable())
      return this.#refuse('MODEL_NOT_ALLOWED')
    const { code, retryAfterSeconds } = poolState(this.#services.table, this.outer, this.facts.model)
    this.#refuse(code, retryAfterSeconds)
  }

  /** Members that offer the model exist, they only have no key. */
  #anyMemberUsable(): boolean {
    const { model, place } = this.facts
    return this.outer.members.some((member) => member.isEnabled && isModelOffered(this.outer, member, model, place))
  }

  #refuse(code: ProxyErrorCode, retryAfterSeconds = 0): void {
    this.#services.counters.add('refused', 1)
    this.#send(this.#ownError(code, retryAfterSeconds), 'proxy_error')
  }

  #ownError(code: ProxyErrorCode, retryAfterSeconds: number): ProxyError {
    return proxyError(code, this.requestId, retryAfterSeconds)
  }

  #send(error: ProxyError, endReason: EndReason): void {
    this.#state = 'ending'
    this.#log.status = error.status
    this.#log.endReason = endReason
    if (this.#log.errorCode === '') this.#log.refuse(error)
    this.#log.bytesOut += sendProxyError(this.#exchange, this.#channel(), error, this.#services.cors)
  }

  #channel(): Channel {
    return this.#log.outer?.channel ?? guessChannel(this.#route.path, this.rawHeaders)
  }

  #end(rawTrailers: readonly string[], endReason: EndReason): void {
    this.#state = 'ending'
    this.#log.endReason = endReason
    this.#relay.end(rawTrailers)
  }

  onFinish(): void {
    this.#finish(this.#log.endReason)
  }

  onAbort(): void {
    if (this.#state === 'over' || this.#state === 'tunnelling') return
    if (this.#state === 'waiting_for_room') this.#services.gate.forget(this)
    const attempt = this.#attempt
    if (attempt !== null && attempt.endMs === -1) {
      attempt.abort()
      this.#log.addAttempt(attempt, abortedByClient)
    }
    this.#log.errorClass = 'client_abort'
    this.#log.status = 499
    this.#finish('client_abort')
  }

  #finish(endReason: EndReason): void {
    if (this.#state === 'over') return
    this.#state = 'over'
    this.#log.endReason = endReason
    this.#services.wheel.disarm(this.#stageTimer)
    this.#services.wheel.disarm(this.#totalTimer)
    if (this.#keepaliveTimer !== null) this.#services.wheel.disarm(this.#keepaliveTimer)
    if (this.#isEntered) this.#services.gate.leave(this.outer)
    this.#noteLateModel()
    this.#judgement.end()
    this.#selector?.release()
    this.body?.dispose()
    this.#account.finish()
    if (this.#relay.tee === null) this.onUsageRead()
    else this.#relay.tee.end(this)
  }

  /** It stood behind what was scanned before the first attempt; a body that flows like this is sent as it came. */
  #noteLateModel(): void {
    const model = this.#intake?.scanner.model ?? ''
    if (model === '' || this.#log.modelRequested !== '') return
    this.#log.modelRequested = model
    this.#log.modelSent = model
  }

  /** The last thing: usage is known as far as it will be. */
  onUsageRead(): void {
    this.#account.record(this.#exchange, this.clientAddress, this.#relay.tee?.usage ?? null)
  }
}

/** Worth trying again in a second. */
function passesSoon(code: ProxyErrorCode): boolean {
  return code === 'OVERLOADED' || code === 'NOT_READY'
}
