import type { RequestCounters } from '../observe/counters.ts'
import type { GroupPlan } from '../plan/group-plan.ts'
import type { UpstreamTarget } from '../plan/upstream-target.ts'
import { WheelTimer, type TimerTarget, type TimerWheel } from '../timer-wheel.ts'
import type { UpstreamExchange, UpstreamReceiver, UpstreamWire } from '../wire/upstream-exchange.ts'
import type { UpstreamHealth } from './upstream-health.ts'

/**
 * Active checks, for groups that name a path to ask for (`upstream_check_path`): a GET without credentials, by the way that requests
 * take (address guard, outbound proxy, TLS). Any answer below 500 in time is a good one. A bad one counts as a failed request does, so
 * that an upstream nobody uses is known to be away before somebody does; a good one makes the trial of an open circuit due at
 * once, but closes nothing: whether requests work only a request shows.
 *
 * Every worker looks, one of them checks: the claim is in the memory that they share, so no worker's death stops it.
 */
export type UpstreamChecksOptions = {
  plans(): Iterable<GroupPlan>
  wire: UpstreamWire
  wheel: TimerWheel
  health: UpstreamHealth
  counters: RequestCounters
}

const lookEveryMs = 500
const answerWithinMs = 5_000
/** At once per worker; the others wait for the next look. */
const maxRunning = 32
/** What more an answer has to say is not waited for. */
const maxBodyBytes = 65_536

export class UpstreamChecks {
  readonly #options: UpstreamChecksOptions
  readonly #timer: NodeJS.Timeout
  readonly #running = new Set<Check>()

  constructor(options: UpstreamChecksOptions) {
    this.#options = options
    this.#timer = setInterval(() => this.#look(), lookEveryMs).unref()
  }

  close(): void {
    clearInterval(this.#timer)
    for (const check of this.#running) check.abandon()
    this.#running.clear()
  }

  #look(): void {
    for (const plan of this.#options.plans()) {
      if (plan.settings.upstream_check_path === '' || !plan.isEnabled) continue
      for (const upstream of plan.upstreams) {
        if (this.#running.size >= maxRunning) return
        const intervalMs = plan.settings.upstream_check_interval_ms
        if (this.#options.health.claimCheck(upstream.healthSlot, intervalMs)) this.#check(plan, upstream)
      }
    }
  }

  #check(plan: GroupPlan, upstream: UpstreamTarget): void {
    const { health, counters } = this.#options
    const slot = upstream.healthSlot
    const check = new Check(this.#options.wheel, (isGood) => {
      this.#running.delete(check)
      counters.add('upstream_checks', 1)
      if (isGood) return health.isThrottled(slot) ? undefined : health.giveBackTrial(slot)
      counters.add('upstream_checks_failed', 1)
      health.failed(slot, !health.isClosed(slot), plan.circuit)
    })
    this.#running.add(check)
    check.begin(this.#options.wire, upstream, plan.settings.upstream_check_path)
  }
}

class Check implements UpstreamReceiver, TimerTarget {
  readonly #wheel: TimerWheel
  readonly #timer = new WheelTimer(this)
  readonly #tell: (isGood: boolean) => void
  #exchange: UpstreamExchange | null = null
  #bodyBytes = 0
  #isOver = false

  constructor(wheel: TimerWheel, tell: (isGood: boolean) => void) {
    this.#wheel = wheel
    this.#tell = tell
  }

  begin(wire: UpstreamWire, { origin, host }: UpstreamTarget, target: string): void {
    this.#wheel.arm(this.#timer, answerWithinMs)
    const rawHeaders = ['Host', host, 'Accept', '*/*', 'User-Agent', 'gpt-load-check']
    const request = {
      method: 'GET',
      target,
      rawHeaders,
      body: null,
      contentLength: 0,
      isUpgrade: false,
      mayResend: true,
    }
    const exchange = wire.open({ origin, ...request }, this)
    if (this.#isOver) exchange.abort()
    else this.#exchange = exchange
  }

  /** Nobody hears of it any more. */
  abandon(): void {
    this.#isOver = true
    this.#wheel.disarm(this.#timer)
    this.#exchange?.abort()
  }

  onConnect(): void {}
  onInformational(): void {}
  onDrain(): void {}

  onHead(status: number): void {
    this.#finish(status < 500)
  }

  onData(chunk: Uint8Array): void {
    this.#bodyBytes += chunk.length
    if (this.#bodyBytes > maxBodyBytes) this.#letGo()
  }

  onEnd(): void {
    this.#exchange = null
    this.#wheel.disarm(this.#timer)
  }

  onUpgrade(
    _status: number,
    _reason: string,
    _headers: readonly string[],
    tunnel: Parameters<UpstreamReceiver['onUpgrade']>[3],
  ): void {
    tunnel.abort()
    this.onEnd()
    this.#finish(false)
  }

  onError(): void {
    this.onEnd()
    this.#finish(false)
  }

  onTimer(): void {
    this.#letGo()
    this.#finish(false)
  }

  #letGo(): void {
    this.#exchange?.abort()
    this.onEnd()
  }

  #finish(isGood: boolean): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#tell(isGood)
  }
}
