import type { Tunnel } from './downstream-exchange.ts'

/**
 * Port: the exchange with an upstream. One `open` is one attempt. Adapters: http1-upstream.ts (our codec),
 * undici-upstream.ts (reference). Connection reuse, TLS, outbound proxies and the reuse race (WIRE.md 5) are the adapter's; timers for stages are
 * the request path's, which is why the adapter reports `onConnect`.
 */
export type UpstreamOrigin = {
  /** Identity for pooling; equal keys share connections. */
  readonly key: string
  readonly protocol: 'http:' | 'https:'
  readonly hostname: string
  readonly port: number
  /** Unix socket in place of host and port; '' = none. */
  readonly socketPath: string
  /** Outbound proxy URL; '' = direct. */
  readonly proxyUrl: string
  readonly connectTimeoutMs: number
  readonly idleTimeoutMs: number
  readonly maxIdle: number
  /** Link-local and metadata addresses are refused at connect time; also private and loopback ones when false. */
  readonly allowPrivateAddresses: boolean
}

/**
 * The memory of a whole body of at most so many bytes is used again once the attempt is answered or over, whatever the system
 * has taken of it by then: adapters write a copy. A larger one stays as it is.
 */
export const reusedBodyBytes = 262_144

export type UpstreamRequest = {
  origin: UpstreamOrigin
  method: string
  /** Path and query as they go on the wire. */
  target: string
  /** With Host; without hop-by-hop and framing headers: framing follows from `contentLength`. */
  rawHeaders: readonly string[]
  /** Whole body when it is at hand; null = none, or written in pieces when `contentLength` is not 0. */
  body: Uint8Array | null
  /** Bytes of the body; -1 = chunked; 0 = none. */
  contentLength: number
  isUpgrade: boolean
  /** False: it may never reach the upstream twice, so no reuse race is risked: it goes out on a fresh connection. */
  mayResend: boolean
}

/** Why an attempt got no (whole) answer. `reset` after the head is a broken body. */
export type UpstreamErrorKind =
  | 'dns'
  | 'refused'
  | 'connect_timeout'
  | 'tls'
  | 'reset'
  | 'protocol'
  | 'address_refused'
  | 'proxy'
  | 'aborted'
  | 'other'
export type UpstreamError = {
  kind: UpstreamErrorKind
  /** System or library code (`ECONNREFUSED`), for logs; no address, no URL. */
  code: string
  /** Nothing of the request was sent: any request may be repeated. */
  isUnsent: boolean
}

export interface UpstreamReceiver {
  /** A connection is there and the head is being written. */
  onConnect(isReused: boolean): void
  onInformational(status: number, rawHeaders: readonly string[]): void
  onHead(status: number, reason: string, rawHeaders: readonly string[]): void
  /**
   * The bytes are the receiver's for the length of the call: what it keeps, it copies.
   *
   * @param behind how many more bytes have come with these and follow at once, at most; 0 = the adapter does not know
   */
  onData(chunk: Uint8Array, behind: number): void
  onEnd(rawTrailers: readonly string[]): void
  /** The request body may go on after `write` answered false. */
  onDrain(): void
  onUpgrade(status: number, reason: string, rawHeaders: readonly string[], tunnel: Tunnel): void
  /** Nothing else follows. Not called after `abort`. */
  onError(error: UpstreamError): void
}

export interface UpstreamExchange {
  /** The bytes may be overwritten when it returns. False = the upstream reads too slowly: wait for `onDrain`. */
  write(chunk: Uint8Array): boolean
  end(rawTrailers?: readonly string[]): void
  /** Nothing more is read from here on, not even the end reported, before `resume`; what was read already may still come. */
  pause(): void
  resume(): void
  /** Closes the connection (or the exchange) at once, whatever its stage. The receiver hears nothing more. */
  abort(): void
}

export interface UpstreamWire {
  open(request: UpstreamRequest, receiver: UpstreamReceiver): UpstreamExchange
  /** Idle connections of origins that are gone are closed. */
  retain(originKeys: ReadonlySet<string>): void
  close(): Promise<void>
}
