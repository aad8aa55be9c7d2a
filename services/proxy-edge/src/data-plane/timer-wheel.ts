import { startTurn, turnMs } from './turn-clock.ts'

/**
 * All timeouts of one worker on one interval. Timers are nodes of intrusive rings, made once per request and armed again and
 * again: no timer object, closure, Set or Map per stage (WIRE.md: a Set that gains and loses an entry per request costs
 * 10-20 % CPU). A later deadline only overwrites a number; the node moves when its slot comes up. Delays count
 * from the turn clock's time. Fires up to one tick late, never early.
 */
export interface TimerTarget {
  onTimer(timer: WheelTimer): void
}

export class WheelTimer {
  readonly target: TimerTarget | null
  /** Monotonic ms; 0 = not armed. */
  deadlineMs = 0
  next: WheelTimer | null = null
  previous: WheelTimer | null = null

  constructor(target: TimerTarget | null) {
    this.target = target
  }
}

const defaultTickMs = 10
/** 1,024 slots of 10 ms: a node is looked at once in 10 s at most; longer deadlines go round again. */
const slotCount = 1_024

export class TimerWheel {
  readonly #tickMs: number
  readonly #slots: WheelTimer[] = []
  readonly #expiring = createRing()
  #armed = 0
  #lastTick = 0
  #interval: NodeJS.Timeout | null = null
  readonly #advance: () => void

  constructor(tickMs = defaultTickMs) {
    this.#tickMs = tickMs
    for (let index = 0; index < slotCount; index += 1) this.#slots.push(createRing())
    this.#advance = () => {
      startTurn()
      this.advance(turnMs())
    }
  }

  get armedCount(): number {
    return this.#armed
  }

  arm(timer: WheelTimer, delayMs: number): void {
    if (this.#armed === 0) startTurn()
    const now = turnMs()
    const deadlineMs = now + delayMs
    if (timer.next !== null && deadlineMs >= timer.deadlineMs) {
      timer.deadlineMs = deadlineMs
      return
    }
    if (timer.next !== null) this.#unlink(timer)
    timer.deadlineMs = deadlineMs
    if (this.#armed === 0) this.#start(now)
    this.#insert(timer)
  }

  disarm(timer: WheelTimer): void {
    if (timer.next !== null) this.#unlink(timer)
    timer.deadlineMs = 0
  }

  /** Fires what is due at `now`; called by the interval. */
  advance(now: number): void {
    const nowTick = Math.floor(now / this.#tickMs)
    const firstTick = Math.max(this.#lastTick + 1, nowTick - slotCount + 1)
    this.#lastTick = nowTick
    for (let tick = firstTick; tick <= nowTick; tick += 1) this.#expire(this.#slots[tick % slotCount]!, now)
    if (this.#armed === 0) this.#stop()
  }

  close(): void {
    this.#stop()
  }

  #expire(slot: WheelTimer, now: number): void {
    if (slot.next === slot) return
    moveRing(slot, this.#expiring)
    for (let timer = this.#expiring.next!; timer !== this.#expiring; timer = this.#expiring.next!) {
      this.#unlink(timer)
      if (timer.deadlineMs > now) this.#insert(timer)
      else {
        timer.deadlineMs = 0
        timer.target!.onTimer(timer)
      }
    }
  }

  #insert(timer: WheelTimer): void {
    const wanted = Math.ceil(timer.deadlineMs / this.#tickMs)
    const tick = Math.max(this.#lastTick + 1, Math.min(wanted, this.#lastTick + slotCount - 1))
    const slot = this.#slots[tick % slotCount]!
    const last = slot.previous!
    timer.previous = last
    timer.next = slot
    last.next = timer
    slot.previous = timer
    this.#armed += 1
  }

  #unlink(timer: WheelTimer): void {
    timer.previous!.next = timer.next
    timer.next!.previous = timer.previous
    timer.next = null
    timer.previous = null
    this.#armed -= 1
  }

  #start(now: number): void {
    if (this.#interval !== null) return
    this.#lastTick = Math.floor(now / this.#tickMs)
    this.#interval = setInterval(this.#advance, this.#tickMs).unref()
  }

  #stop(): void {
    if (this.#interval !== null) clearInterval(this.#interval)
    this.#interval = null
  }
}

function createRing(): WheelTimer {
  const ring = new WheelTimer(null)
  ring.next = ring
  ring.previous = ring
  return ring
}

function moveRing(from: WheelTimer, to: WheelTimer): void {
  const first = from.next!
  const last = from.previous!
  const end = to.previous!
  end.next = first
  first.previous = end
  last.next = to
  to.previous = last
  from.next = from
  from.previous = from
}
