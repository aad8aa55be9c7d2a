import type { SecureContext } from 'node:tls'
import { turnMs } from '../turn-clock.ts'
import { type ConnectReceiver, PendingConnection, type TlsSessions } from './connect/connect-upstream.ts'
import type { Http1UpstreamConnection } from './http1-upstream-connection.ts'
import type { UpstreamOrigin } from './upstream-exchange.ts'
import type { WriteBatch } from './write-batch.ts'

const restMs = 1_000
/** However short the moment, no more than this many times the bound. */
const burstFactor = 8

/**
 * Idle connections of one origin, last in first out, so that the coldest ones reach their idle timer (WIRE.md 5). Bounded by
 * `maxIdle` when idle only: connections in use are not counted, and no request ever waits for one. A connection above the
 * bound is closed when it has rested: under load, in the moment between two requests, it would only be opened again.
 */
export class Http1OriginPool {
  readonly origin: UpstreamOrigin
  readonly batch: WriteBatch
  readonly #secureContext: SecureContext
  readonly #sessions: TlsSessions = { last: null }
  /** Oldest first. */
  readonly #idle: Http1UpstreamConnection[] = []
  #isClosed = false

  constructor(origin: UpstreamOrigin, secureContext: SecureContext, batch: WriteBatch) {
    this.origin = origin
    this.batch = batch
    this.#secureContext = secureContext
  }

  /** Null: none is idle, connect. */
  take(): Http1UpstreamConnection | null {
    const oldestMs = turnMs() - this.origin.idleTimeoutMs
    for (let connection = this.#idle.pop(); connection !== undefined; connection = this.#idle.pop()) {
      if (connection.isUsable && connection.idleSinceMs >= oldestMs) return connection
      connection.destroy()
    }
    return null
  }

  /** @param isUpgrade the connection may become a tunnel, whose bytes are the caller's to keep */
  connect(receiver: ConnectReceiver, isUpgrade: boolean): PendingConnection {
    const pending = new PendingConnection(this.origin, this.#secureContext, this.#sessions, receiver, !isUpgrade)
    pending.start()
    return pending
  }

  giveBack(connection: Http1UpstreamConnection): void {
    if (this.#isClosed || this.origin.maxIdle <= 0 || !connection.isUsable) return connection.destroy()
    this.#idle.push(connection)
    if (this.#idle.length > this.origin.maxIdle * burstFactor) this.#idle.shift()!.destroy()
  }

  /** It has spoken, or closed, while nobody asked it anything. */
  drop(connection: Http1UpstreamConnection): void {
    const index = this.#idle.indexOf(connection)
    if (index >= 0) this.#idle.splice(index, 1)
    connection.destroy()
  }

  closeExpired(now: number): void {
    const { idleTimeoutMs, maxIdle } = this.origin
    while (this.#idle.length > 0) {
      const restedMs = now - this.#idle[0]!.idleSinceMs
      const isSurplus = this.#idle.length > maxIdle && restedMs > restMs
      if (!isSurplus && restedMs <= idleTimeoutMs) return
      this.#idle.shift()!.destroy()
    }
  }

  close(): void {
    this.#isClosed = true
    for (const connection of this.#idle.splice(0)) connection.destroy()
  }
}
