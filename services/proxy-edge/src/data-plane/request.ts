import { CreatedResourceReader } from '@gpt-load/channels/created-resource-reader'
import type { Channel } from '@gpt-load/channels/channel'
import { findAccessKey } from '@gpt-load/channels/proxy-credentials'
import type { EndReason, TokenUsage } from '@gpt-load/contracts/log-event'
import type { ProxyErrorCode } from '@gpt-load/contracts/proxy-errors'
import { clientBehind } from '@gpt-load/service-kit/forwarded-address'
import { Admission, type AdmissionOwner } from './admission.ts'
import { AnswerRelay } from './answer/answer-relay.ts'
import { guessChannel } from './answer/dialect-of.ts'
import { chooseFinal, prepareAnswer, setRetryAfter } from './answer/final-answer.ts'
import { poolRetryAfter, poolState } from './answer/pool-state.ts'
import { listRules, rewriteModelList } from './answer/rewrite-model-list.ts'
import { limitError, type ProxyError, proxyError, sendProxyError } from './answer/send-proxy-error.ts'
import { StreamKeepalive } from './answer/stream-keepalive.ts'
import { Attempt, type AttemptOwner, type HeadVerdict } from './attempt.ts'
import { abortedByClient, type AttemptFailure } from './attempt-failure.ts'
import type { ReachedLimit } from './caller-limits/caller-limits.ts'
import { passResponseHeaders } from './headers/response-headers.ts'
import { KeyJudgement } from './key-judgement.ts'
import { KeyWait, type KeyWaitOwner } from './key-waiting-room.ts'
import { joinHeaders } from './headers/raw-headers.ts'
import type { ContentCapture } from './observe/content-capture.ts'
import { RequestAccount } from './observe/request-account.ts'
import { RequestLog } from './observe/request-log.ts'
import type { HeaderVariables } from './plan/header-rules.ts'
import type { RequestServices } from './request-services.ts'
import { backoffMs, failsOver, isFailureStatus, isHeldBack, isRepeatable, isUpstreamFault } from './retry-policy.ts'
import type { Route } from './route/match-request.ts'
import { type Target, TargetSelector } from './select-target.ts'
import { isModelOffered } from './shape/decide-model.ts'
import { shapeRequest } from './shape/shape-request.ts'
import { type TimerTarget, WheelTimer } from './timer-wheel.ts'
import { type BridgeEnd, type BridgeOwner, TunnelBridge } from './tunnel-bridge.ts'
import type { DownstreamExchange, DownstreamReceiver, Tunnel } from './wire/downstream-exchange.ts'

/**
 * One proxied request, from its head to its record. The passes, in order:
 *
 *   admission (admission.ts) -> select member, key and upstream [-> wait for a key] -> shape -> attempt
 *         -> [judge -> next attempt] -> relay or final answer -> record
 *
 * Invariants: at most one attempt is alive; nothing goes to the client before it is decided that this answer is the one; the
 * end is reached exactly once, whatever the order in which client, upstream and timers give up. Knows the wire ports only.
 */
type State = 'receiving' | 'attempting' | 'waiting' | 'relaying' | 'tunnelling' | 'ending' | 'over'

export class ProxyRequest
  implements DownstreamReceiver, AttemptOwner, AdmissionOwner, KeyWaitOwner, TimerTarget, HeaderVariables, BridgeOwner
{
  readonly requestId: string
  secret = ''
  model = ''
  groupName = ''
  readonly #services: RequestServices
  readonly #exchange: DownstreamExchange
  readonly #route: Route
  readonly #log: RequestLog
  readonly #account: RequestAccount
  readonly #admission: Admission
  readonly #relay: AnswerRelay
  readonly #judgement: KeyJudgement
  readonly #stageTimer = new WheelTimer(this)
  readonly #totalTimer = new WheelTimer(this)
  /** Only of groups that want to hear of silence. */
  #keepalive: StreamKeepalive | null = null
  #bridge: TunnelBridge | null = null
  #state: State = 'receiving'
  #selector: TargetSelector | null = null
  #attempt: Attempt | null = null
  #attemptCount = 0
  /** Chosen, and begun when the back-off is over. */
  #nextTarget: Target | null = null
  /** Made when no key was usable and one will return in time. */
  #keyWait: KeyWait | null = null
  /** The attempt after which the request waits for a key, and stands if none comes. */
  #lastFailed: { attempt: Attempt; failure: AttemptFailure } | null = null
  /** The last answer of an earlier attempt that may still become the final one. */
  #kept: AttemptFailure | null = null
  #isPausedByUpload = false
  /** Undefined until the group is known; null: it records no bodies. */
  #content: ContentCapture | null | undefined

  constructor(services: RequestServices, exchange: DownstreamExchange, route: Route) {
    this.#services = services
    this.#exchange = exchange
    this.#route = route
    this.requestId = services.ids.create()
    this.#log = new RequestLog(this.requestId, services.policies.serverNowMs())
    this.#log.hasQuery = route.query !== ''
    this.#account = new RequestAccount(services, this.#log)
    this.#admission = new Admission(this, services, exchange, route, this.#log)
    this.#relay = new AnswerRelay(exchange, this.#log, services.cors)
    this.#judgement = new KeyJudgement(services, this.requestId)
  }

  get clientAddress(): string {
    const { remoteAddress, rawHeaders } = this.#exchange
    const peer = remoteAddress.startsWith('::ffff:') ? remoteAddress.slice(7) : remoteAddress
    const { isTrustedProxy } = this.#services
    return isTrustedProxy === null
      ? peer
      : clientBehind(peer, joinHeaders(rawHeaders, 'x-forwarded-for'), isTrustedProxy)
  }

  get accessKeyName(): string {
    return this.#log.accessKey?.name ?? ''
  }

  begin(): void {
    this.#account.begin()
    this.#admission.begin()
  }

  onData(chunk: Uint8Array): void {
    this.#log.bytesIn += chunk.length
    if (this.#state === 'ending' || this.#state === 'over') return
    this.#capture()?.request?.add(chunk)
    this.#admission.onData(chunk)
    this.#attempt?.pump()
  }

  onEnd(rawTrailers: readonly string[]): void {
    if (this.#state === 'ending' || this.#state === 'over') return
    this.#admission.onEnd(rawTrailers)
    this.#attempt?.pump()
  }

  onRefused(code: ProxyErrorCode, retryAfterSeconds: number): void {
    this.#refuse(code, retryAfterSeconds)
  }

  onLimited(reached: ReachedLimit): void {
    this.#services.counters.add('refused', 1)
    this.#services.counters.add('caller_limited', 1)
    this.#send(limitError(reached, this.requestId), 'proxy_error')
  }

  /** By the group in the URL: a body comes in before it is known which member serves it. */
  #capture(): ContentCapture | null {
    if (this.#content !== undefined) return this.#content
    const content = this.#services.contents.begin(this.#admission.outer.settings)
    content?.request?.describe(this.#exchange.rawHeaders)
    this.#relay.capture = content?.response ?? null
    this.#content = content
    return content
  }

  onAdmitted(): void {
    const { outer, facts } = this.#admission
    this.#capture()
    this.#selector = new TargetSelector(this.#services, outer, facts, this.#log.accessKey!.id)
    const target = this.#selector.select()
    if (target !== null) this.#launch(target)
    else if (!this.#waitForKey()) this.#refuseUnserved()
  }

  #waitForKey(): boolean {
    const { outer } = this.#admission
    const { key_wait_ms, retry_deadline_ms } = outer.settings
    if (key_wait_ms === 0 || !this.#selector!.mayWait) return false
    this.#keyWait ??= new KeyWait(this.#services.keyWaitingRoom, this, outer, this.#selector!)
    if (!this.#keyWait.begin(retry_deadline_ms - this.#log.elapsedMs())) return false
    this.#attempt = null
    this.#state = 'waiting'
    this.onUploadFlow(true)
    return true
  }

  onKeyFound(target: Target): void {
    const last = this.#lastFailed
    this.#lastFailed = null
    if (last === null) this.#launch(target)
    else this.#retry(last.attempt, last.failure, target)
  }

  onKeyWaitOver(): void {
    const last = this.#lastFailed
    this.#lastFailed = null
    if (last === null) this.#refuseUnserved()
    else this.#answerFailed(last.attempt, last.failure)
  }

  #launch(target: Target): void {
    const { wire, wheel, counters, policies } = this.#services
    const admission = this.#admission
    this.secret = target.secret
    this.model = target.model
    this.groupName = target.plan.name
    this.#log.serveBy(target.plan, target.model)
    this.#attemptCount += 1
    counters.add('attempts', 1)
    this.#state = 'attempting'
    const attempt = new Attempt({
      owner: this,
      wire,
      wheel,
      stageTimer: this.#stageTimer,
      totalTimer: this.#totalTimer,
      target,
      number: this.#attemptCount,
      body: admission.body,
      isStream: this.#log.isStream,
      clock: policies,
    })
    this.#attempt = attempt
    this.onUploadFlow(false)
    attempt.start(shapeRequest(admission, target, this))
  }

  onUploadFlow(isBlocked: boolean): void {
    if (isBlocked === this.#isPausedByUpload) return
    this.#isPausedByUpload = isBlocked
    if (isBlocked) this.#exchange.pause()
    else if (!this.#admission.body.isComplete) this.#exchange.resume()
  }

  onAttemptConnect(isReused: boolean): void {
    this.#services.counters.add(isReused ? 'upstream_reuses' : 'upstream_connects', 1)
  }

  onAttemptInformational(status: number, rawHeaders: readonly string[]): void {
    const { target } = this.#attempt!
    this.#exchange.writeInformational(status, passResponseHeaders(rawHeaders, target.secret))
  }

  judgeHead(attempt: Attempt): HeadVerdict {
    const { plan, slot, keyId, model } = attempt.target
    if (plan.pickRules?.learnsQuotas === true) this.#services.quotas.learn(slot, keyId, model, attempt.rawHeaders)
    if (isFailureStatus(plan, attempt.status)) return 'judge'
    if (attempt.status < 300 && this.#admission.body.isReplayable && isHeldBack(plan, attempt.rawHeaders)) return 'hold'
    this.#succeeded(attempt.target)
    if (attempt.status < 300 && listRules(this.#admission.outer, plan, this.#admission.facts) !== null) return 'collect'
    this.#beginRelay(attempt)
    return 'relay'
  }

  #succeeded(target: Target): void {
    this.#judgement.succeeded(target)
    this.#services.upstreamHealth.answered(target.upstream.healthSlot, target.isTrial)
  }

  onAttemptReleased(attempt: Attempt): void {
    this.#succeeded(attempt.target)
    this.#beginRelay(attempt)
  }

  #beginRelay(attempt: Attempt): void {
    this.#state = 'relaying'
    this.#letGoOfRetries(attempt)
    this.#relay.begin(attempt, this.#log.isStream, this.#resourceReader(attempt))
    const { settings, channel } = attempt.target.plan
    if (settings.stream_keepalive_ms === 0 || !this.#relay.isOpenStream) return
    const { wheel } = this.#services
    this.#keepalive = new StreamKeepalive(wheel, this.#relay, channel.keepaliveEvent, settings.stream_keepalive_ms)
    this.#keepalive.postpone()
  }

  /** This answer is the one: what a further attempt would need is held for nothing, through minutes of a stream. */
  #letGoOfRetries(attempt: Attempt): void {
    attempt.letGoOfBody()
    this.#admission.decodedBody = null
    if (this.#selector!.settle()) this.#selector = null
  }

  /** Answers to calls that make or name something say which resources live with the key. */
  #resourceReader({ target }: Attempt): CreatedResourceReader | null {
    const { facts, outer } = this.#admission
    const { settings, channel } = outer
    if (settings.keys_share_organization || settings.resource_key_ttl_hours === 0) return null
    const { stateful, method, path } = facts
    const isOfResource = stateful !== null && (stateful.isCreation || stateful.resourceId !== '') && method !== 'DELETE'
    if (!isOfResource && !channel.storesAnswer(method, path)) return null
    return new CreatedResourceReader((id) => this.#services.resources.learn(outer, id, target))
  }

  onAttemptData(chunk: Uint8Array, behind: number): void {
    if (this.#keepalive !== null) this.#keepalive.postpone()
    if (!this.#relay.write(chunk, behind)) this.#attempt!.pause()
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
    this.#succeeded(attempt.target)
    this.#state = 'tunnelling'
    this.#letGoOfRetries(attempt)
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
    const rules = listRules(this.#admission.outer, plan, this.#admission.facts)!
    if (!isWhole) return this.#relayCollected(attempt, body, false)
    const answer = { rawHeaders: attempt.rawHeaders, body }
    rewriteModelList(plan, rules, this.#admission.facts.query, answer, (rewritten) => {
      if (this.#state !== 'attempting') return
      if (rewritten === null) return this.#relayCollected(attempt, body, true)
      this.#log.addAttempt(attempt, null)
      this.#relay.sendRewritten(attempt, rewritten)
      this.#end([], 'complete')
    })
  }

  #relayCollected(attempt: Attempt, body: Uint8Array, isWhole: boolean): void {
    this.#state = 'relaying'
    this.#relay.begin(attempt, false, null)
    const isFlowing = body.length === 0 || this.#relay.write(body)
    if (isWhole) this.onAttemptEnd([])
    else attempt.relayRest(isFlowing)
  }

  /** The client has a part of the answer already: it must see that the rest is missing. */
  onAttemptBroken(attempt: Attempt, failure: AttemptFailure): void {
    this.#account.failed(failure)
    this.#tellHealth(attempt, failure)
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
    this.#tellHealth(attempt, failure)
    this.#tellSelector(attempt, failure)
    const mayRetry = this.#mayRetry(attempt, failure)
    const next = mayRetry ? this.#selector!.select() : null
    if (next !== null) this.#retry(attempt, failure, next)
    else if (mayRetry && failure.answer?.isWhole !== false && this.#waitForKey())
      this.#lastFailed = { attempt, failure }
    else this.#answerFailed(attempt, failure)
  }

  /** Whatever it answered but a fault of its own, the upstream is there. */
  #tellHealth({ target }: Attempt, failure: AttemptFailure): void {
    const { upstreamHealth } = this.#services
    const { healthSlot } = target.upstream
    if (this.#isUpstreams(target, failure)) upstreamHealth.failed(healthSlot, target.isTrial, target.plan.circuit)
    else if (failure.errorClass !== 'client_abort') upstreamHealth.answered(healthSlot, target.isTrial)
  }

  #tellSelector({ target }: Attempt, failure: AttemptFailure): void {
    if (this.#isUpstreams(target, failure)) this.#selector!.upstreamFailed(target)
    else this.#selector!.keyFailed(target.slot)
  }

  /** A limit is the upstream's own while it limits everybody. */
  #isUpstreams({ plan, upstream }: Target, failure: AttemptFailure): boolean {
    if (failure.errorClass === 'rate_limit') return this.#services.upstreamHealth.isThrottled(upstream.healthSlot)
    return isUpstreamFault(plan, failure)
  }

  #mayRetry(attempt: Attempt, failure: AttemptFailure): boolean {
    if (!failsOver(attempt.target.plan, failure) || !this.#admission.body.isReplayable) return false
    if (this.#log.elapsedMs() >= this.#admission.outer.settings.retry_deadline_ms) return false
    return isRepeatable(this.#admission.facts.stateful?.isCreation === true, failure, attempt.isRequestSent)
  }

  #retry(attempt: Attempt, failure: AttemptFailure, next: Target): void {
    if (failure.answer?.isWhole === true && failure.errorClass !== 'key_auth') this.#kept = failure
    attempt.abort()
    this.#services.counters.add('retries', 1)
    const meetsSame = isUpstreamFault(attempt.target.plan, failure) && next.upstream === attempt.target.upstream
    if (!meetsSame) return this.#launch(next)
    this.#nextTarget = next
    this.#attempt = null
    this.#state = 'waiting'
    this.onUploadFlow(true)
    this.#services.wheel.arm(this.#stageTimer, backoffMs(this.#attemptCount))
  }

  onTimer(timer: WheelTimer): void {
    const next = this.#nextTarget
    this.#nextTarget = null
    if (next !== null) this.#launch(next)
    else this.#attempt?.onTimeout(timer)
  }

  #answerFailed(attempt: Attempt, last: AttemptFailure): void {
    const choice = chooseFinal(last, this.#kept)
    const prepared = choice.kind === 'answer' ? prepareAnswer(choice.answer) : null
    this.#log.fail(last, attempt.target.secret, attempt.mask)
    if (this.#selector!.isOwnerGone) this.#log.explain('the key that made this resource is gone')
    if (choice.kind === 'error' || prepared === null) {
      attempt.abort()
      const error = this.#ownError(choice.kind === 'error' ? choice.code : 'BAD_GATEWAY', 0)
      if (last.stage !== '') error.message += ` (${last.stage})`
      return this.#send(error, last.stage === '' ? 'proxy_error' : 'timeout')
    }
    if (prepared.status === 429 && !this.#selector!.hasOwner)
      setRetryAfter(prepared.headers, poolRetryAfter(this.#services.table, this.#admission.outer, this.#selector!))
    const isLive = choice.failure === last && !choice.answer.isWhole
    if (!isLive) attempt.abort()
    this.#state = 'relaying'
    const isFlowing = this.#relay.send(prepared)
    if (isLive) attempt.relayRest(isFlowing)
    else this.#end(choice.answer.rawTrailers, 'complete')
  }

  #refuseUnserved(): void {
    if (this.#selector!.isModelMissing && this.#admission.outer.isAggregate && !this.#anyMemberUsable())
      return this.#refuse('MODEL_NOT_ALLOWED')
    const { code, retryAfterSeconds } = poolState(this.#services.table, this.#admission.outer, this.#selector!)
    this.#refuse(code, retryAfterSeconds)
  }

  /** Members that offer the model exist, they only have no key. */
  #anyMemberUsable(): boolean {
    const { model, place } = this.#admission.facts
    return this.#admission.outer.members.some(
      (member) => member.isEnabled && isModelOffered(this.#admission.outer, member, model, place),
    )
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
    return this.#log.outer?.channel ?? guessChannel(this.#route.path, this.#exchange.rawHeaders)
  }

  #end(rawTrailers: readonly string[], endReason: EndReason): void {
    this.#state = 'ending'
    this.#keepalive?.stop()
    this.#log.endReason = endReason
    this.#relay.end(rawTrailers)
  }

  onFinish(): void {
    this.#finish(this.#log.endReason)
  }

  onAbort(): void {
    if (this.#state === 'over' || this.#state === 'tunnelling') return
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
    this.#keepalive?.stop()
    this.#keyWait?.stop()
    this.#noteLateModel()
    this.#judgement.end()
    this.#selector?.release()
    this.#admission.end()
    this.#account.finish()
    if (this.#relay.tee === null) this.onUsageRead()
    else this.#relay.tee.end(this)
  }

  /** It stood behind what was scanned before the first attempt; a body that flows like this is sent as it came. */
  #noteLateModel(): void {
    const model = this.#admission.scannedModel
    if (model === '' || this.#log.modelRequested !== '') return
    this.#log.modelRequested = model
    this.#log.modelSent = model
  }

  /** The last thing: usage is known as far as it will be. */
  onUsageRead(): void {
    const usage = this.#relay.tee?.usage ?? null
    if (usage !== null) this.#spend(usage)
    const isKept = this.#account.record(this.#exchange, this.clientAddress, usage)
    if (this.#content) this.#endContent(this.#content, isKept)
  }

  #spend({ input, output }: TokenUsage): void {
    const tokens = Math.max(0, input) + Math.max(0, output)
    if (tokens === 0) return
    const { quotas, callers } = this.#services
    if (this.#attempt !== null) quotas.spend(this.#attempt.target, tokens)
    callers.spend(this.#log.accessKey!, this.#admission.outer, tokens)
  }

  #endContent(content: ContentCapture, isKept: boolean): void {
    const { requestId, receivedAtMs } = this.#log
    const token = findAccessKey(this.#route.query, this.#exchange.rawHeaders)
    const secrets = [this.secret, token].filter((secret) => secret !== '')
    const groupId = this.#admission.outer.id
    this.#services.contents.end(content, { requestId, receivedAtMs, groupId, secrets }, isKept)
  }
}
