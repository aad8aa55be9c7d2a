import type { TimeoutStage } from '@gpt-load/contracts/proxy-errors'
import {
  type AttemptFailure,
  failureOfAnswer,
  failureOfError,
  failureOfTimeout,
  type HeldAnswer,
} from './attempt-failure.ts'
import { maskOf } from './answer/mask-secret.ts'
import { decodeBody, isPlain } from './body/decode-body.ts'
import { HoldBuffer } from './body/hold-buffer.ts'
import { StreamHold } from './body/stream-hold.ts'
import type { RequestBody } from './body/request-body.ts'
import { Upload } from './body/upload.ts'
import { findHeader } from './headers/raw-headers.ts'
import type { Target } from './select-target.ts'
import type { TimerWheel, WheelTimer } from './timer-wheel.ts'
import type { Tunnel } from './wire/downstream-exchange.ts'
import type {
  UpstreamError,
  UpstreamExchange,
  UpstreamReceiver,
  UpstreamRequest,
  UpstreamWire,
} from './wire/upstream-exchange.ts'
import { turnMs } from './turn-clock.ts'

/**
 * One attempt: sends the request to one upstream with one key, watches its stages, and holds back what has to be judged or
 * rewritten before a byte of it goes to the client. What becomes of the request is the owner's to decide; after `abort` or a
 * final report the attempt is silent.
 *
 *   connecting -> sending -> relaying                 (an answer to pass on)
 *                         -> judging [-> relaying]    (an error, held up to 64 KiB; passed on when it is final)
 *                         -> collecting               (a model list to rewrite)
 *                         -> holding -> relaying      (an event stream, until its first real event)
 */
export type HeadVerdict = 'relay' | 'judge' | 'collect' | 'hold'

export interface AttemptOwner {
  onAttemptConnect(isReused: boolean): void
  onAttemptInformational(status: number, rawHeaders: readonly string[]): void
  judgeHead(attempt: Attempt): HeadVerdict
  /** A stream that was held is a real answer; what came so far follows as data. */
  onAttemptReleased(attempt: Attempt): void
  /** `behind`: as UpstreamReceiver.onData. */
  onAttemptData(chunk: Uint8Array, behind: number): void
  onAttemptEnd(rawTrailers: readonly string[]): void
  /** In the middle of an answer that the client has begun to get. */
  onAttemptBroken(attempt: Attempt, failure: AttemptFailure): void
  onAttemptFailed(attempt: Attempt, failure: AttemptFailure): void
  /** The upstream has switched protocols (101): both connections are raw from here on. */
  onAttemptUpgraded(attempt: Attempt, tunnel: Tunnel): void
  onAttemptCollected(attempt: Attempt, body: Uint8Array, isWhole: boolean): void
  /** Whether the upstream takes the request body more slowly than it comes; told again and again. */
  onUploadFlow(isBlocked: boolean): void
}

export type AttemptOptions = {
  owner: AttemptOwner
  wire: UpstreamWire
  wheel: TimerWheel
  stageTimer: WheelTimer
  totalTimer: WheelTimer
  target: Target
  number: number
  body: RequestBody
  isStream: boolean
  /** The server's time. */
  clock: { serverNowMs(): number }
}

/** An error's first bytes are enough to judge it; the rest streams. */
const maxJudgedBytes = 65_536
const maxCollectedBytes = 4_194_304

type Phase = 'connecting' | 'sending' | 'judging' | 'collecting' | 'holding' | 'deciding' | 'relaying' | 'over'

export class Attempt implements UpstreamReceiver {
  readonly target: Target
  readonly number: number
  readonly startedMs = turnMs()
  connectMs = -1
  headMs = -1
  endMs = -1
  status = 0
  reason = ''
  rawHeaders: readonly string[] = []
  readonly #options: AttemptOptions
  readonly #upload: Upload
  #exchange: UpstreamExchange | null = null
  #phase: Phase = 'connecting'
  #stage: TimeoutStage = 'connect'
  #sentMs = 0
  #isStreaming = false
  #asksUpgrade = false
  #hasBody = false
  #isPaused = false
  #hold: HoldBuffer | null = null
  #streamHold: StreamHold | null = null
  #mask = ''

  constructor(options: AttemptOptions) {
    this.#options = options
    this.target = options.target
    this.number = options.number
    this.#upload = new Upload(options.body)
  }

  get startedAtMs(): number {
    return this.#options.clock.serverNowMs() - (turnMs() - this.startedMs)
  }

  /** The upstream may have the whole request. */
  get isRequestSent(): boolean {
    return this.#phase !== 'connecting' && (!this.#isStreaming || this.#upload.isDone)
  }

  /** What stands in an answer in place of the key that was used. */
  get mask(): string {
    if (this.#mask === '') this.#mask = maskOf(this.target.secret)
    return this.#mask
  }

  start(request: UpstreamRequest): void {
    const { wire, wheel, stageTimer, totalTimer, isStream } = this.#options
    const { settings } = this.target.plan
    wheel.arm(stageTimer, request.origin.connectTimeoutMs)
    if (!isStream) wheel.arm(totalTimer, settings.request_timeout * 1_000)
    this.#asksUpgrade = request.isUpgrade
    this.#isStreaming = request.body === null && request.contentLength !== 0
    const exchange = wire.open(request, this)
    if (this.#phase === 'over') return
    this.#exchange = exchange
    if (!this.#isStreaming) return
    this.#upload.begin(exchange)
    this.#tellFlow()
  }

  /** More of the request body has come. */
  pump(): void {
    if (!this.#isStreaming || this.#phase === 'over') return
    this.#upload.pump()
    if (this.#phase === 'sending') this.#armHead()
    this.#tellFlow()
  }

  /** No other attempt will follow. */
  letGoOfBody(): void {
    if (this.#isStreaming) this.#upload.forgoReplay()
    else this.#options.body.dispose()
  }

  pause(): void {
    this.#isPaused = true
    this.#exchange?.pause()
    this.#options.wheel.disarm(this.#options.stageTimer)
  }

  resume(): void {
    if (this.#phase === 'over') return
    this.#isPaused = false
    this.#armIdle()
    this.#exchange?.resume()
  }

  abort(): void {
    if (this.#phase === 'over') return
    this.#finish()
    this.#exchange?.abort()
  }

  /** The rest of an answer that was held: it is passed on after all, at once or when the client has taken what came first. */
  relayRest(isFlowing: boolean): void {
    this.#phase = 'relaying'
    if (isFlowing) this.resume()
  }

  onTimeout(timer: WheelTimer): void {
    if (this.#phase === 'over') return
    if (this.#phase === 'holding' && timer === this.#options.stageTimer) return this.#release()
    const stage = timer === this.#options.totalTimer ? 'total' : this.#stage
    const isUnsent = this.#phase === 'connecting'
    this.#exchange?.abort()
    this.#stopWith(failureOfTimeout(stage, isUnsent))
  }

  onConnect(isReused: boolean): void {
    if (this.#phase === 'over') return
    this.#phase = 'sending'
    this.connectMs = turnMs() - this.startedMs
    this.#options.owner.onAttemptConnect(isReused)
    this.#armHead()
  }

  onInformational(status: number, rawHeaders: readonly string[]): void {
    if (this.#phase !== 'over') this.#options.owner.onAttemptInformational(status, rawHeaders)
  }

  onHead(status: number, reason: string, rawHeaders: readonly string[]): void {
    if (this.#phase === 'over') return
    this.status = status
    this.reason = reason
    this.rawHeaders = rawHeaders
    this.headMs = turnMs() - this.startedMs
    this.#armFirstByte()
    if (findHeader(rawHeaders, 'content-type').toLowerCase().startsWith('text/event-stream'))
      this.#options.wheel.disarm(this.#options.totalTimer)
    const verdict = this.#options.owner.judgeHead(this)
    if (verdict === 'relay') this.#phase = 'relaying'
    else if (verdict === 'hold') this.#holdStream()
    else this.#beginHold(verdict)
  }

  onData(chunk: Uint8Array, behind: number): void {
    if (this.#phase === 'over') return
    if (this.#phase === 'holding') return this.#peek(chunk)
    if (this.#phase !== 'relaying') return this.#keep(chunk)
    this.#hasBody = true
    this.#armIdle()
    this.#options.owner.onAttemptData(chunk, behind)
  }

  onEnd(rawTrailers: readonly string[]): void {
    if (this.#phase === 'over') return
    if (this.#phase === 'judging') return this.#judge(true, rawTrailers)
    if (this.#phase === 'collecting') return this.#collected(true)
    if (this.#phase === 'holding') this.#release()
    this.#finish()
    this.#options.owner.onAttemptEnd(rawTrailers)
  }

  onDrain(): void {
    if (this.#phase === 'over') return
    this.#upload.onDrain()
    if (this.#phase === 'sending') this.#armHead()
    this.#tellFlow()
  }

  onUpgrade(status: number, reason: string, rawHeaders: readonly string[], tunnel: Tunnel): void {
    if (this.#phase === 'over' || !this.#asksUpgrade) {
      tunnel.abort()
      return this.onError({ kind: 'protocol', code: 'UNASKED_UPGRADE', isUnsent: false })
    }
    this.status = status
    this.reason = reason
    this.rawHeaders = rawHeaders
    this.headMs = turnMs() - this.startedMs
    this.#finish()
    this.#options.owner.onAttemptUpgraded(this, tunnel)
  }

  onError(error: UpstreamError): void {
    if (this.#phase === 'over') return
    this.#stopWith(failureOfError(error))
  }

  /** Error and timeout end alike: by how far the answer had come. */
  #stopWith(failure: AttemptFailure): void {
    const { owner } = this.#options
    const phase = this.#phase
    this.#finish()
    if (phase === 'relaying') owner.onAttemptBroken(this, failure)
    else owner.onAttemptFailed(this, failure)
  }

  #beginHold(verdict: 'judge' | 'collect'): void {
    this.#phase = verdict === 'judge' ? 'judging' : 'collecting'
    this.#hold = new HoldBuffer(verdict === 'judge' ? maxJudgedBytes : maxCollectedBytes)
  }

  #holdStream(): void {
    const { plan } = this.target
    this.#phase = 'holding'
    this.#streamHold = new StreamHold(plan.channel, plan.settings.preamble_hold_bytes)
    this.#options.wheel.arm(this.#options.stageTimer, plan.settings.preamble_hold_ms)
  }

  #peek(chunk: Uint8Array): void {
    const verdict = this.#streamHold!.push(chunk, this.#options.clock.serverNowMs())
    this.#hasBody = true
    if (verdict === 'release') return this.#release()
    if (verdict === 'wait') return
    this.#phase = 'deciding'
    this.pause()
    this.#options.owner.onAttemptFailed(this, failureOfAnswer(this.#heldAnswer(), verdict, true))
  }

  #heldAnswer(): HeldAnswer {
    const { status, reason, rawHeaders, target } = this
    const body = this.#streamHold!.bytes()
    const { secret } = target
    return { status, reason, rawHeaders, body, rawTrailers: [], isWhole: false, decoded: null, secret, mask: this.mask }
  }

  /** The caller gets the head and what was held, and from here on everything as it comes. */
  #release(): void {
    const { owner } = this.#options
    const held = this.#streamHold!.bytes()
    this.#streamHold = null
    this.#phase = 'relaying'
    this.#armIdle()
    owner.onAttemptReleased(this)
    if (held.length > 0) owner.onAttemptData(held, 0)
  }

  #keep(chunk: Uint8Array): void {
    this.#hold!.add(chunk)
    if (this.#phase === 'deciding') return
    this.#hasBody = true
    this.#armIdle()
    if (!this.#hold!.isFull) return
    this.pause()
    if (this.#phase === 'judging') this.#judge(false, [])
    else this.#collected(false)
  }

  #collected(isWhole: boolean): void {
    const body = this.#hold!.bytes()
    this.#phase = 'deciding'
    if (isWhole) this.#finish()
    this.#options.owner.onAttemptCollected(this, body, isWhole)
  }

  #judge(isWhole: boolean, rawTrailers: readonly string[]): void {
    this.#phase = 'deciding'
    if (isWhole) this.#options.wheel.disarm(this.#options.stageTimer)
    const encoding = findHeader(this.rawHeaders, 'content-encoding')
    const body = this.#hold!.bytes()
    if (isPlain(encoding)) return this.#decide(body, body, isWhole, rawTrailers, false)
    decodeBody(body, encoding, 4 * maxJudgedBytes, (decoded) => {
      // The client may have left, or a timer fired, while this was decoded.
      if (this.#phase === 'deciding') this.#decide(this.#hold!.bytes(), decoded, isWhole, rawTrailers, true)
    })
  }

  #decide(
    body: Uint8Array,
    text: Uint8Array | null,
    isWhole: boolean,
    rawTrailers: readonly string[],
    isEncoded: boolean,
  ): void {
    const { target, status, reason, rawHeaders } = this
    const { secret, plan } = target
    const classification = plan.channel.classify({
      status,
      headers: rawHeaders,
      body: text === null ? '' : Buffer.from(text.buffer, text.byteOffset, text.byteLength).toString('utf8'),
      nowMs: this.#options.clock.serverNowMs(),
      model: target.model,
    })
    const decoded = isEncoded ? text : null
    const answer = { status, reason, rawHeaders, body, rawTrailers, isWhole, decoded, secret, mask: this.mask }
    if (isWhole) this.#finish()
    this.#options.owner.onAttemptFailed(this, failureOfAnswer(answer, classification, false))
  }

  #tellFlow(): void {
    this.#options.owner.onUploadFlow(this.#upload.isBlocked)
  }

  #armHead(): void {
    const { settings } = this.target.plan
    const headMs = settings.response_header_timeout * 1_000
    this.#sentMs = turnMs()
    this.#stage = settings.first_byte_timeout_ms < headMs ? 'first_byte' : 'response_header'
    this.#options.wheel.arm(this.#options.stageTimer, Math.min(headMs, settings.first_byte_timeout_ms))
  }

  #armFirstByte(): void {
    const { wheel, stageTimer } = this.#options
    const spentMs = turnMs() - this.#sentMs
    this.#stage = 'first_byte'
    wheel.disarm(stageTimer)
    wheel.arm(stageTimer, Math.max(1, this.target.plan.settings.first_byte_timeout_ms - spentMs))
  }

  /** What is paused may still bring the rest of a read. */
  #armIdle(): void {
    if (this.#isPaused) return
    const { wheel, stageTimer } = this.#options
    if (this.#hasBody) this.#stage = 'stream_idle'
    const { stream_idle_timeout_ms, first_byte_timeout_ms } = this.target.plan.settings
    wheel.arm(stageTimer, this.#hasBody ? stream_idle_timeout_ms : first_byte_timeout_ms)
  }

  #finish(): void {
    this.#phase = 'over'
    this.endMs = turnMs() - this.startedMs
    this.#options.wheel.disarm(this.#options.stageTimer)
    this.#options.wheel.disarm(this.#options.totalTimer)
  }
}
