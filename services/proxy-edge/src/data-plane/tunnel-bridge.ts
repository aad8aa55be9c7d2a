import { type TimerTarget, type TimerWheel, WheelTimer } from './timer-wheel.ts'
import type { Tunnel, TunnelReceiver } from './wire/downstream-exchange.ts'

/**
 * Two connections after an upgrade (RFC 9110 7.8), joined: bytes both ways with back-pressure, frames never looked into, so
 * pings, close codes and sub-protocols are the peers' own. Ends when either side has closed; silence in both directions for
 * `idleMs` ends it too.
 */
export interface BridgeOwner {
  onBridgeClosed(end: BridgeEnd): void
}
export type BridgeEnd = 'client' | 'upstream' | 'idle'

export class TunnelBridge implements TimerTarget {
  readonly #owner: BridgeOwner
  readonly #wheel: TimerWheel
  readonly #idleMs: number
  readonly #timer = new WheelTimer(this)
  readonly #client: Tunnel
  readonly #upstream: Tunnel
  bytesFromClient = 0
  bytesFromUpstream = 0
  #isOver = false

  constructor(owner: BridgeOwner, tunnels: { client: Tunnel; upstream: Tunnel }, wheel: TimerWheel, idleMs: number) {
    this.#owner = owner
    this.#client = tunnels.client
    this.#upstream = tunnels.upstream
    this.#wheel = wheel
    this.#idleMs = idleMs
  }

  start(): void {
    this.#wheel.arm(this.#timer, this.#idleMs)
    this.#upstream.receive(new BridgeSide(this, this.#upstream, this.#client, 'upstream'))
    // A side that was closed already has ended the bridge.
    if (!this.#isOver) this.#client.receive(new BridgeSide(this, this.#client, this.#upstream, 'client'))
  }

  carried(from: 'client' | 'upstream', bytes: number): void {
    if (from === 'client') this.bytesFromClient += bytes
    else this.bytesFromUpstream += bytes
    this.#wheel.arm(this.#timer, this.#idleMs)
  }

  onTimer(): void {
    this.close('idle')
  }

  /** What was written to the other side still goes out. */
  close(end: BridgeEnd): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#wheel.disarm(this.#timer)
    // Also the side that has ended: only its half of the connection is closed so far.
    this.#client.end()
    this.#upstream.end()
    this.#owner.onBridgeClosed(end)
  }
}

/** One direction: what comes from a side goes to the other. */
class BridgeSide implements TunnelReceiver {
  readonly #bridge: TunnelBridge
  readonly #from: Tunnel
  readonly #to: Tunnel
  readonly #name: 'client' | 'upstream'

  constructor(bridge: TunnelBridge, from: Tunnel, to: Tunnel, name: 'client' | 'upstream') {
    this.#bridge = bridge
    this.#from = from
    this.#to = to
    this.#name = name
  }

  onData(chunk: Uint8Array): void {
    this.#bridge.carried(this.#name, chunk.length)
    if (!this.#to.write(chunk)) this.#from.pause()
  }

  /** This side takes bytes again: the other one may go on. */
  onDrain(): void {
    this.#to.resume()
  }

  onEnd(): void {
    this.#bridge.close(this.#name)
  }

  onClose(): void {
    this.#bridge.close(this.#name)
  }
}
