import type { Socket } from 'node:net'
import type { SecureContext } from 'node:tls'
import { Client, type buildConnector } from 'undici'
import { ConnectError } from './connect/connect-error.ts'
import { type ConnectReceiver, PendingConnection, type TlsSessions } from './connect/connect-upstream.ts'
import type { UpstreamOrigin } from './upstream-exchange.ts'

/**
 * Idle connections of one origin, last in first out, so that the coldest ones reach their idle timer (WIRE.md 5). Bounded by
 * `maxIdle` when idle only: streams in use are not counted. A connection is a socket that we opened and the undici Client
 * that speaks on it; neither outlives the other.
 */
export class PooledConnection {
  readonly client: Client
  readonly socket: Socket
  /** The socket ended with an error: an end of the body that came with it is no end. */
  hasFailed = false
  #isAttached = false

  constructor(origin: UpstreamOrigin, socket: Socket) {
    this.socket = socket
    socket.on('error', () => (this.hasFailed = true))
    const idleTimeoutMs = Math.max(1, origin.idleTimeoutMs)
    // Always plain HTTP to undici: encryption is the socket's, so that a Host header never decides about TLS names.
    this.client = new Client('http://upstream', {
      connect: (_options, callback) => this.#attach(callback),
      pipelining: 1,
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: idleTimeoutMs,
      keepAliveMaxTimeout: idleTimeoutMs,
      keepAliveTimeoutThreshold: 1_000,
      maxHeaderSize: maxAnswerHeadBytes,
    })
  }

  get isUsable(): boolean {
    return !this.socket.destroyed && !this.socket.readableEnded && this.socket.writable
  }

  destroy(): void {
    this.socket.destroy()
    this.client.destroy().catch(ignore)
  }

  /**
   * Once: a Client that wants to connect again has lost its socket. A tick later, since a Client that is called back from
   * within `dispatch` never looks at its queue again.
   */
  #attach(callback: buildConnector.Callback): void {
    const isGone = this.#isAttached || this.socket.destroyed
    this.#isAttached = true
    if (isGone) process.nextTick(callback, new ConnectError('reset', 'CONNECTION_GONE'), null)
    else process.nextTick(callback, null, this.socket)
  }
}

/** Answers with larger heads are refused; the same bound as for clients. */
const maxAnswerHeadBytes = 65_536

export class UndiciOriginPool {
  readonly origin: UpstreamOrigin
  readonly #secureContext: SecureContext
  readonly #sessions: TlsSessions = { last: null }
  readonly #idle: PooledConnection[] = []
  #isClosed = false

  constructor(origin: UpstreamOrigin, secureContext: SecureContext) {
    this.origin = origin
    this.#secureContext = secureContext
  }

  /** Null: none is idle, connect. */
  take(): PooledConnection | null {
    for (let connection = this.#idle.pop(); connection !== undefined; connection = this.#idle.pop()) {
      if (connection.isUsable) return connection
      connection.destroy()
    }
    return null
  }

  connect(receiver: ConnectReceiver): PendingConnection {
    const pending = new PendingConnection(this.origin, this.#secureContext, this.#sessions, receiver, false)
    pending.start()
    return pending
  }

  adopt(socket: Socket): PooledConnection {
    socket.once('close', this.#sweep)
    return new PooledConnection(this.origin, socket)
  }

  /** A tick later: undici ends a connection that cannot be reused only after it has reported the end of the answer. */
  giveBack(connection: PooledConnection): void {
    process.nextTick(keep, this, connection)
  }

  keep(connection: PooledConnection): void {
    if (this.#isClosed || !connection.isUsable) return connection.destroy()
    this.#idle.push(connection)
    if (this.#idle.length > this.origin.maxIdle) this.#idle.shift()?.destroy()
  }

  close(): void {
    this.#isClosed = true
    for (const connection of this.#idle.splice(0)) connection.destroy()
  }

  /** What closed while idle must not keep its memory until it is taken. */
  readonly #sweep = (): void => {
    let kept = 0
    for (const connection of this.#idle) {
      if (connection.isUsable) {
        this.#idle[kept] = connection
        kept += 1
      } else connection.destroy()
    }
    this.#idle.length = kept
  }
}

function keep(pool: UndiciOriginPool, connection: PooledConnection): void {
  pool.keep(connection)
}

function ignore(): void {}
