import { until } from '@gpt-load/testkit/until'
import type { DownstreamExchange, DownstreamReceiver } from '../../src/data-plane/wire/downstream-exchange.ts'
import type {
  UpstreamError,
  UpstreamOrigin,
  UpstreamReceiver,
  UpstreamRequest,
} from '../../src/data-plane/wire/upstream-exchange.ts'

/** Ends of the two wire ports that keep what comes, for tests of the adapters alone. */
export class RecordingUpstreamReceiver implements UpstreamReceiver {
  /** Names of callbacks in order; data counts once per run. */
  readonly calls: string[] = []
  readonly informational: { status: number; rawHeaders: readonly string[] }[] = []
  readonly connects: boolean[] = []
  status = 0
  reason = ''
  rawHeaders: readonly string[] = []
  rawTrailers: readonly string[] = []
  bytes = 0
  drains = 0
  isEnded = false
  error: UpstreamError | null = null
  onChunk: (chunk: Uint8Array) => void = () => undefined
  readonly #chunks: Uint8Array[] = []

  get body(): string {
    return Buffer.concat(this.#chunks).toString('latin1')
  }

  onConnect(isReused: boolean): void {
    this.calls.push('connect')
    this.connects.push(isReused)
  }
  onInformational(status: number, rawHeaders: readonly string[]): void {
    this.calls.push('informational')
    this.informational.push({ status, rawHeaders })
  }
  onHead(status: number, reason: string, rawHeaders: readonly string[]): void {
    this.calls.push('head')
    Object.assign(this, { status, reason, rawHeaders })
  }
  onData(chunk: Uint8Array): void {
    if (this.calls.at(-1) !== 'data') this.calls.push('data')
    this.bytes += chunk.length
    if (this.bytes < 1_048_576) this.#chunks.push(Buffer.from(chunk))
    this.onChunk(chunk)
  }
  onEnd(rawTrailers: readonly string[]): void {
    this.calls.push('end')
    this.rawTrailers = rawTrailers
    this.isEnded = true
  }
  onDrain(): void {
    this.drains += 1
  }
  onUpgrade(): void {
    this.calls.push('upgrade')
  }
  onError(error: UpstreamError): void {
    this.calls.push('error')
    this.error = error
  }

  headed(): Promise<unknown> {
    return until(() => this.status > 0 || this.error, { what: 'the head of the answer', intervalMs: 1 })
  }
  over(): Promise<unknown> {
    return until(() => this.isEnded || this.error, { what: 'the end of the exchange', intervalMs: 1 })
  }
}

export class RecordingDownstreamReceiver implements DownstreamReceiver {
  readonly exchange: DownstreamExchange
  readonly calls: string[] = []
  rawTrailers: readonly string[] = []
  bytes = 0
  drains = 0
  onChunk: (chunk: Uint8Array) => void = () => undefined
  readonly #chunks: Uint8Array[] = []

  constructor(exchange: DownstreamExchange) {
    this.exchange = exchange
  }

  get body(): string {
    return Buffer.concat(this.#chunks).toString('latin1')
  }

  onData(chunk: Uint8Array): void {
    if (this.calls.at(-1) !== 'data') this.calls.push('data')
    this.bytes += chunk.length
    if (this.bytes < 1_048_576) this.#chunks.push(Buffer.from(chunk))
    this.onChunk(chunk)
  }
  onEnd(rawTrailers: readonly string[]): void {
    this.calls.push('end')
    this.rawTrailers = rawTrailers
  }
  onDrain(): void {
    this.drains += 1
  }
  onAbort(): void {
    this.calls.push('abort')
  }
  onFinish(): void {
    this.calls.push('finish')
  }

  called(name: string): Promise<unknown> {
    return until(() => this.calls.includes(name), { what: `the call of ${name}`, intervalMs: 1 })
  }
}

export function originOf(port: number, more: Partial<UpstreamOrigin> = {}): UpstreamOrigin {
  return {
    key: `http 127.0.0.1 ${port}`,
    protocol: 'http:',
    hostname: '127.0.0.1',
    port,
    socketPath: '',
    proxyUrl: '',
    connectTimeoutMs: 5_000,
    idleTimeoutMs: 60_000,
    maxIdle: 10,
    allowPrivateAddresses: true,
    ...more,
  }
}

/** Nothing but what a request needs. */
export const bareRequest: Omit<UpstreamRequest, 'origin'> = {
  method: 'GET',
  target: '/',
  rawHeaders: ['Host', 'h'],
  body: null,
  contentLength: 0,
  isUpgrade: false,
  mayResend: true,
}
