import type { SecureContext } from 'node:tls'
import { type ConnectReceiver, PendingConnection, type TlsSessions } from './connect/connect-upstream.ts'
import type { Http1UpstreamConnection } from './http1-upstream-connection.ts'
import type { UpstreamOrigin } from './upstream-exchange.ts'

/**
 * Idle connections of one origin, last in first out, so that the coldest ones reach their idle timer (WIRE.md 5). Bounded by
 * `maxIdle` when idle only: connections in use are not counted, and no request ever waits for one.
 */
export class Http1OriginPool {
  readonly origin: UpstreamOrigin
  readonly #secureContext: SecureContext
  readonly #sessions: TlsSessions = { last: null }
  /** Oldest first. */
  readonly #idle: Http1UpstreamConnection[] = []
  #isClosed = false

  constructor(origin: UpstreamOrigin, secureContext: SecureContext) {
    this.origin = origin
    this.#secureContext = secureContext
  }

  /** Null: none is idle, connect. */
  take(): Http1UpstreamConnection | null {
    const oldestMs = performance.now() - this.origin.idleTimeoutMs
    for (let connection = this.#idle.pop(); connection !== undefined; connection = this.#idle.pop()) {
      if (connection.isUsable && connection.idleSinceMs >= oldestMs) return connection
      connection.destroy()
    }
    return null
  }

  connect(receiver: ConnectReceiver): PendingConnection {
    const pending = new PendingConnection(this.origin, this.#secureContext, this.#sessions, receiver)
    pending.start()
    return pending
  }

  giveBack(connection: Http1UpstreamConnection): void {
    if (this.#isClosed || this.origin.maxIdle <= 0 || !connection.isUsable) return connection.destroy()
    this.#idle.push(connection)
    if (this.#idle.length > this.origin.maxIdle) this.#idle.shift()!.destroy()
  }

  /** It has spoken, or closed, while nobody asked it anything. */
  drop(connection: Http1UpstreamConnection): void {
    const index = this.#idle.indexOf(connection)
    if (index >= 0) this.#idle.splice(index, 1)
    connection.destroy()
  }

  closeExpired(now: number): void {
    while (this.#idle.length > 0 && now - this.#idle[0]!.idleSinceMs > this.origin.idleTimeoutMs)
      this.#idle.shift()!.destroy()
  }

  close(): void {
    this.#isClosed = true
    for (const connection of this.#idle.splice(0)) connection.destroy()
  }
}
