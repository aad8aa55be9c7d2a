import { type TimerTarget, type TimerWheel, WheelTimer } from '../timer-wheel.ts'
import type { AnswerRelay } from './answer-relay.ts'

/** An event of ours after each `intervalMs` in which an open stream was silent (`stream_keepalive_ms`). */
export class StreamKeepalive implements TimerTarget {
  readonly #wheel: TimerWheel
  readonly #relay: AnswerRelay
  readonly #event: string
  readonly #intervalMs: number
  readonly #timer = new WheelTimer(this)

  constructor(wheel: TimerWheel, relay: AnswerRelay, event: string, intervalMs: number) {
    this.#wheel = wheel
    this.#relay = relay
    this.#event = event
    this.#intervalMs = intervalMs
  }

  /** The stream has begun, or has moved. */
  postpone(): void {
    this.#wheel.arm(this.#timer, this.#intervalMs)
  }

  onTimer(): void {
    this.#relay.sendBetweenEvents(this.#event)
    this.postpone()
  }

  stop(): void {
    this.#wheel.disarm(this.#timer)
  }
}
