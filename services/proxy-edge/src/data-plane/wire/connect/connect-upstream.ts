import { connect as connectTcp, isIP, type NetConnectOpts, type Socket, type TcpNetConnectOpts } from 'node:net'
import { connect as connectTls, type ConnectionOptions, type SecureContext, type TLSSocket } from 'node:tls'
import type { UpstreamOrigin } from '../upstream-exchange.ts'
import { isHostAllowed } from '@gpt-load/service-kit/upstream-addresses'
import { guardedLookup } from './address-guard.ts'
import { ConnectError, toConnectError } from './connect-error.ts'
import { openHttpTunnel } from './http-proxy-tunnel.ts'
import { parseOutboundProxy, type OutboundProxy } from './outbound-proxy.ts'
import { onread, SocketReads } from './read-buffer.ts'
import { openSocks5Tunnel } from './socks5-tunnel.ts'

/**
 * Opens one connection to an upstream: TCP or Unix socket, outbound proxy, TLS, in this order, each stage told apart in the
 * error. Knows nothing of HTTP requests, so both wires use it. No timer here: whoever asked cancels.
 */
export type TlsSessions = { last: Buffer | null }

export interface ConnectReceiver {
  /** `reads`: where the socket's bytes come from in place of its `data` events; null = those. */
  onSocket(socket: Socket, reads: SocketReads | null): void
  onConnectError(error: ConnectError): void
}

const keepAliveDelayMs = 60_000

export class PendingConnection {
  readonly #origin: UpstreamOrigin
  readonly #proxy: OutboundProxy | null
  readonly #secureContext: SecureContext
  readonly #sessions: TlsSessions
  readonly #receiver: ConnectReceiver
  readonly #reads: SocketReads | null
  #socket: Socket | null = null
  #isDone = false

  /** @param mayShareReads direct connections may read into the worker's buffer: the receiver keeps no bytes beyond the call */
  constructor(
    origin: UpstreamOrigin,
    secureContext: SecureContext,
    sessions: TlsSessions,
    receiver: ConnectReceiver,
    mayShareReads: boolean,
  ) {
    this.#origin = origin
    this.#proxy = origin.proxyUrl === '' ? null : parseOutboundProxy(origin.proxyUrl)
    this.#reads = mayShareReads && this.#proxy === null ? new SocketReads() : null
    this.#secureContext = secureContext
    this.#sessions = sessions
    this.#receiver = receiver
  }

  start(): void {
    const { hostname, port, socketPath, allowPrivateAddresses } = this.#origin
    if (socketPath !== '') return this.#connectUpstream({ path: socketPath })
    if (!isHostAllowed(hostname, allowPrivateAddresses)) return this.#failLater('address_refused', 'ADDRESS_REFUSED')
    if (this.#proxy !== null) return this.#connectProxy(this.#proxy)
    const lookup = guardedLookup(allowPrivateAddresses)
    this.#connectUpstream({ host: bareHost(hostname), port, lookup })
  }

  cancel(): void {
    if (this.#isDone) return
    this.#isDone = true
    this.#socket?.destroy()
  }

  /** TLS with reads of its own must be one with its socket: Node offers them for no other. */
  #connectUpstream(address: NetConnectOpts): void {
    if (this.#origin.protocol === 'https:' && this.#reads !== null) this.#connectSecure(address, this.#reads)
    else this.#connectTcp(address, this.#onUpstreamTcp)
  }

  #connectProxy(proxy: OutboundProxy): void {
    this.#connectTcp({ host: bareHost(proxy.hostname), port: proxy.port }, () => {
      if (proxy.protocol === 'https:') this.#secure(bareHost(proxy.hostname), () => this.#openTunnel(proxy))
      else this.#openTunnel(proxy)
    })
  }

  #openTunnel(proxy: OutboundProxy): void {
    const { hostname, port, protocol } = this.#origin
    const onTunnel = (error: ConnectError | null) => {
      if (this.#isDone) return
      if (error === null) this.#onUpstreamTcp()
      else this.#fail(error)
    }
    if (proxy.protocol === 'socks5:') openSocks5Tunnel(this.#socket!, proxy, bareHost(hostname), port, onTunnel)
    // Plain HTTP goes through an HTTP proxy in absolute form, without a tunnel (RFC 9112 3.2.2).
    else if (protocol === 'http:') this.#succeed()
    else openHttpTunnel(this.#socket!, proxy, hostname, port, onTunnel)
  }

  readonly #onUpstreamTcp = (): void => {
    if (this.#origin.protocol === 'https:') this.#secure(bareHost(this.#origin.hostname), () => this.#succeed())
    else this.#succeed()
  }

  #connectTcp(options: NetConnectOpts, onConnect: () => void): void {
    const reading = this.#reads === null ? {} : { onread }
    const keeping = { keepAlive: true, keepAliveInitialDelay: keepAliveDelayMs }
    const socket = connectTcp({ ...options, noDelay: true, ...keeping, ...reading })
    this.#reads?.serve(socket)
    this.#socket = socket
    socket.on('error', this.#onTcpError)
    socket.once('connect', () => {
      if (!this.#isDone) onConnect()
    })
  }

  #connectSecure(address: NetConnectOpts, reads: SocketReads): void {
    const hostname = bareHost(this.#origin.hostname)
    const options: ConnectionOptions & Pick<TcpNetConnectOpts, 'onread'> = {
      ...this.#tlsOptions(hostname, true),
      onread,
    }
    const socket = connectTls(Object.assign(options, address))
    reads.serve(socket)
    this.#socket = socket
    socket.setNoDelay(true).setKeepAlive(true, keepAliveDelayMs)
    socket.on('error', this.#onTcpError)
    socket.once('connect', () => socket.off('error', this.#onTcpError).on('error', this.#onTlsError))
    this.#onSecured(socket, true, () => this.#succeed())
  }

  #tlsOptions(hostname: string, isUpstream: boolean): ConnectionOptions {
    return {
      host: hostname,
      ...(isIP(hostname) === 0 ? { servername: hostname } : {}),
      secureContext: this.#secureContext,
      ...(isUpstream && this.#sessions.last !== null ? { session: this.#sessions.last } : {}),
      ALPNProtocols: ['http/1.1'],
    }
  }

  #onSecured(socket: TLSSocket, isUpstream: boolean, onSecure: () => void): void {
    if (isUpstream) socket.on('session', (session) => (this.#sessions.last = session))
    socket.once('secureConnect', () => {
      if (!this.#isDone) onSecure()
    })
  }

  /** Over the connection that stands; the upstream's certificate is checked against its host name. */
  #secure(hostname: string, onSecure: () => void): void {
    const plain = this.#socket!
    plain.off('error', this.#onTcpError)
    const isUpstream = hostname === bareHost(this.#origin.hostname)
    const socket = connectTls({ socket: plain, ...this.#tlsOptions(hostname, isUpstream) })
    this.#socket = socket
    socket.on('error', this.#onTlsError)
    this.#onSecured(socket, isUpstream, onSecure)
  }

  #succeed(): void {
    const socket = this.#socket!
    this.#isDone = true
    socket.off('error', this.#onTcpError).off('error', this.#onTlsError)
    this.#receiver.onSocket(socket, this.#reads)
  }

  readonly #onTcpError = (error: unknown): void => {
    const known = toConnectError(error, false)
    this.#fail(this.#proxy === null ? known : new ConnectError('proxy', known.code))
  }

  readonly #onTlsError = (error: unknown): void => this.#fail(toConnectError(error, true))

  #fail(error: ConnectError): void {
    if (this.#isDone) return
    this.#isDone = true
    // Late errors of a socket that is given up must find a listener.
    this.#socket?.on('error', ignore).destroy()
    this.#receiver.onConnectError(error)
  }

  #failLater(kind: 'address_refused', code: string): void {
    queueMicrotask(() => this.#fail(new ConnectError(kind, code)))
  }
}

function ignore(): void {}

function bareHost(hostname: string): string {
  return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname
}
