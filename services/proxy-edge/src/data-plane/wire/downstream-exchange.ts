/**
 * Port: the exchange with the client. The request path knows only this and upstream-exchange.ts; matching, retry, shaping,
 * streaming and logging are written against them once. Adapters: http1-downstream.ts (our codec), node-http-downstream.ts (reference).
 * Raw headers are pairs in wire order and case: [name, value, name, value, …], values as latin1 strings.
 */
export interface DownstreamExchange {
  readonly method: string
  /** Request target as it came, origin form: `/path?query`, never decoded or normalised. */
  readonly target: string
  readonly httpVersion: '1.0' | '1.1'
  readonly rawHeaders: readonly string[]
  readonly remoteAddress: string
  readonly isEncrypted: boolean
  /** -1 = unknown length (chunked); 0 = no body. */
  readonly contentLength: number
  /** The client asked to switch protocols (Connection: upgrade). */
  readonly isUpgrade: boolean

  /** Flow control of the request body. Starts paused: nothing is delivered before the first `resume`. */
  pause(): void
  resume(): void

  /** 1xx of the upstream (103), passed on. */
  writeInformational(status: number, rawHeaders: readonly string[]): void
  /**
   * Once. The adapter adds framing only (Connection, Transfer-Encoding, Date when absent): hop-by-hop headers must not be in
   * `rawHeaders`; Content-Length may be and is then trusted.
   */
  writeHead(status: number, reason: string, rawHeaders: readonly string[]): void
  /**
   * The bytes may be overwritten when it returns true. False = the client reads too slowly, or the bytes are written from where
   * they were read: wait for `onDrain` before reading on.
   */
  write(chunk: Uint8Array): boolean
  end(rawTrailers?: readonly string[]): void
  /** Breaks the connection visibly (reset); never a clean end. */
  abort(): void
  /** Answers 101 and hands over the raw connection; only when `isUpgrade`. */
  upgrade(status: number, reason: string, rawHeaders: readonly string[]): Tunnel
}

export interface DownstreamReceiver {
  /** The bytes are the receiver's for the length of the call: what it keeps, it copies. */
  onData(chunk: Uint8Array): void
  onEnd(rawTrailers: readonly string[]): void
  onDrain(): void
  /** The client is gone before the whole answer was handed to the system. Nothing else follows. */
  onAbort(): void
  /** The whole answer was handed to the system. Nothing else follows. */
  onFinish(): void
}

/** Both directions of a connection after an upgrade. */
export interface Tunnel {
  write(chunk: Uint8Array): boolean
  end(): void
  abort(): void
  pause(): void
  resume(): void
  receive(receiver: TunnelReceiver): void
}
export interface TunnelReceiver {
  onData(chunk: Uint8Array): void
  onDrain(): void
  onEnd(): void
  onClose(): void
}

export type RequestHandler = (exchange: DownstreamExchange) => DownstreamReceiver

export type DownstreamLimits = {
  /** Whole head must have arrived. */
  headTimeoutMs: number
  /** Longest stall inside a request body. */
  bodyStallTimeoutMs: number
  keepAliveTimeoutMs: number
  /** Longest time a client may take nothing while we have bytes for it. */
  writeStallTimeoutMs: number
  maxHeadBytes: number
  maxConnections: number
}

/** What clients are served under: PEM, the certificate with its chain. */
export type ClientTls = { readonly cert: string; readonly key: string }

export interface DownstreamServer {
  listen(options: { host: string; port: number; reusePort: boolean }): Promise<{ port: number }>
  /** For connections from now on; only where the server was made with a pair. */
  setTls(tls: ClientTls): void
  /** From now on every answer carries Connection: close; idle connections stay until `closeIdle`. */
  startDraining(): void
  closeIdle(): void
  /** Stops accepting; open exchanges go on. */
  stopAccepting(): Promise<void>
  /** Ends what is left. */
  close(): Promise<void>
  readonly openConnections: number
}
