// A provider that answers as the real one does, in any of five dialects, and does with each key what a test wants:
// serve it, limit it, refuse it, break off in the middle. It records what it received. It is written from the
// providers' public API references; the one thing it never does is think.

import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { IssuedCertificate } from '../servers/certificate-authority.ts'
import type { ProviderAnswer } from './provider/answer.ts'
import { writeAnswer } from './provider/answer-writer.ts'
import type { ContentCoding } from './provider/answer-writer.ts'
import { isOpenAiSurface, readKey } from './provider/dialect.ts'
import type { ProviderDialect } from './provider/dialect.ts'
import { createKeyQuota } from './provider/key-quota.ts'
import type { KeyQuota, QuotaLimits } from './provider/key-quota.ts'
import { createKeyProgram, programmedAnswer } from './provider/key-program.ts'
import type { KeyProgram, KeyStep, ProgrammedAnswer, RunningProgram, Times } from './provider/key-program.ts'
import { errorStyle, providerError } from './provider/provider-error.ts'
import { readProviderRequest } from './provider/read-request.ts'
import { DEFAULT_REPLY } from './provider/reply.ts'
import type { Reply, StreamPace } from './provider/reply.ts'
import { createRequestLog } from './provider/request-log.ts'
import type { KeyCounters, Recording, RecordedRequest } from './provider/request-log.ts'
import { createResourceStore } from './provider/resource-store.ts'
import { answerRoute } from './provider/route-table.ts'

export type FakeProviderOptions = {
  dialect: ProviderDialect
  port?: number
  tls?: Pick<IssuedCertificate, 'certPem' | 'keyPem'>
  /** Requests that are kept for assertions; 0 keeps counters only, for load. */
  maxRecordedRequests?: number
  /** Bytes of a request body that are kept (all of them are counted and hashed). */
  maxBodyBytes?: number
  /** Whether files and responses made with one key exist for the others. */
  isAccountShared?: boolean
  /** Compresses answers for clients that accept it, streams event by event. */
  coding?: ContentCoding
}

export type ReplyOverrides = Partial<Omit<Reply, 'usage'>> & { usage?: Partial<Reply['usage']> }

type WaitOptions = { timeoutMs?: number; matches?: (request: RecordedRequest) => boolean }

export interface FakeProvider extends AsyncDisposable {
  readonly dialect: ProviderDialect
  readonly port: number
  /** What goes into a group as upstream. */
  readonly url: string
  /** The newest requests, oldest first. */
  readonly requests: readonly RecordedRequest[]
  /** Pace of streams; may be changed at any time. */
  readonly stream: StreamPace
  /** Programs one key; it wins over `everyKey`. */
  key(key: string): KeyProgram
  /** Programs all keys. */
  readonly everyKey: KeyProgram
  /** Limits of a key, as the provider keeps them; steps of its program come first. */
  limitKey(key: string, limits: QuotaLimits): void
  /** From now on only keys that were named by `key` or here are valid. */
  refuseUnknownKeys(...known: string[]): void
  /** What the model says from now on; what is not given is the default. */
  reply(overrides: ReplyOverrides): void
  /** Every key gets exactly these bytes as body. */
  replay(bytes: Uint8Array, answer?: Omit<ProgrammedAnswer, 'body'>, times?: Times): KeyProgram
  /** The next request that has come whole and was not yet given. */
  nextRequest(options?: WaitOptions): Promise<RecordedRequest>
  /** The next request whose client went away before the end of the answer. */
  waitForAbort(options?: WaitOptions): Promise<RecordedRequest>
  /** Zeros for a key that never came. */
  countersOf(key: string): Readonly<KeyCounters>
  readonly total: Readonly<KeyCounters>
  /** Open connections now, and all ever accepted. */
  readonly openConnections: number
  readonly acceptedConnections: number
  close(): Promise<void>
}

const MAX_RECORDED_REQUESTS = 1_000
const MAX_BODY_BYTES = 1024 * 1024
/** Longer than any pool of ours keeps a connection, as at the real providers. */
const KEEP_ALIVE_MS = 300_000
const MAX_HEADER_BYTES = 1024 * 1024

export async function startFakeProvider(options: FakeProviderOptions): Promise<FakeProvider> {
  const provider = new Provider(options)
  await provider.listen()
  return provider
}

class Provider implements FakeProvider {
  readonly dialect: ProviderDialect
  readonly stream: StreamPace = { chunks: 8, intervalMs: 0 }
  readonly everyKey: RunningProgram = createKeyProgram()
  readonly #options: FakeProviderOptions
  readonly #programs = new Map<string, RunningProgram>()
  readonly #quotas = new Map<string, KeyQuota>()
  readonly #log: ReturnType<typeof createRequestLog>
  readonly #resources: ReturnType<typeof createResourceStore>
  readonly #server: Server
  readonly #connections = new WeakMap<Socket, number>()
  readonly #sockets = new Set<Socket>()
  #accepted = 0
  #knownKeys: Set<string> | undefined
  #reply: Reply = DEFAULT_REPLY

  constructor(options: FakeProviderOptions) {
    this.#options = options
    this.dialect = options.dialect
    const { maxRecordedRequests = MAX_RECORDED_REQUESTS, maxBodyBytes = MAX_BODY_BYTES } = options
    this.#log = createRequestLog({ maxRequests: maxRecordedRequests, maxBodyBytes })
    this.#resources = createResourceStore({ isAccountShared: options.isAccountShared ?? false })
    this.#server = this.#createServer()
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get url(): string {
    return `${this.#options.tls ? 'https' : 'http'}://127.0.0.1:${this.port}`
  }

  get requests(): readonly RecordedRequest[] {
    return this.#log.requests
  }

  get total(): Readonly<KeyCounters> {
    return this.#log.total
  }

  get openConnections(): number {
    return this.#sockets.size
  }

  get acceptedConnections(): number {
    return this.#accepted
  }

  listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(this.#options.port ?? 0, '127.0.0.1', () => resolve())
    })
  }

  key(key: string): KeyProgram {
    const program = this.#programs.get(key) ?? createKeyProgram()
    this.#programs.set(key, program)
    this.#knownKeys?.add(key)
    return program
  }

  limitKey(key: string, limits: QuotaLimits): void {
    this.#quotas.set(key, createKeyQuota(limits, this.dialect))
  }

  refuseUnknownKeys(...known: string[]): void {
    this.#knownKeys = new Set([...(this.#knownKeys ?? []), ...this.#programs.keys(), ...known])
  }

  reply({ usage, ...overrides }: ReplyOverrides): void {
    this.#reply = { ...DEFAULT_REPLY, ...overrides, usage: { ...DEFAULT_REPLY.usage, ...usage } }
  }

  replay(bytes: Uint8Array, answer: Omit<ProgrammedAnswer, 'body'> = {}, times?: Times): KeyProgram {
    return this.everyKey.respond({ ...answer, body: bytes }, times)
  }

  nextRequest(options: WaitOptions = {}): Promise<RecordedRequest> {
    return this.#log.arrived.next({ what: 'a request', ...options })
  }

  waitForAbort(options: WaitOptions = {}): Promise<RecordedRequest> {
    return this.#log.aborted.next({ what: 'an abort', ...options })
  }

  countersOf(key: string): Readonly<KeyCounters> {
    return this.#log.countersOf(key)
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #createServer(): Server {
    const { tls } = this.#options
    const http = {
      keepAliveTimeout: KEEP_ALIVE_MS,
      requestTimeout: 0,
      headersTimeout: 0,
      maxHeaderSize: MAX_HEADER_BYTES,
    }
    const listener = (incoming: IncomingMessage, response: ServerResponse) => void this.#serve(incoming, response)
    const server = tls
      ? createTlsServer({ ...http, cert: tls.certPem, key: tls.keyPem }, listener)
      : createServer(http, listener)
    // A request's socket is the TLS one; a handshake that fails leaves only the TCP one.
    server.on(tls ? 'secureConnection' : 'connection', (socket: Socket) =>
      this.#connections.set(socket, ++this.#accepted),
    )
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
    })
    return server
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const target = URL.parse(`http://provider${incoming.url}`) ?? new URL('http://provider/')
    const header = (name: string) => incoming.headers[name] as string | undefined
    const key = readKey(this.dialect, target.pathname, target.searchParams, header)
    const recording = this.#log.begin(incoming, key, this.#connections.get(incoming.socket) ?? 0)
    const gone = new AbortController()
    response.once('close', () => gone.abort())
    response.on('error', () => undefined)
    let answer: ProviderAnswer | undefined
    try {
      const body = await readBody(incoming, recording)
      this.#log.bodyComplete(recording)
      const step = this.#nextStep(key)
      const quota = step === undefined && key !== undefined ? this.#quotas.get(key) : undefined
      answer = this.#limited(quota, key, target) ?? this.#answer(step, incoming, target, key, body)
      if (quota !== undefined && answer.status < 400) answer = quota.settle(answer)
      const outcome = await writeAnswer(response, answer, {
        intervalMs: (step?.kind === 'answer' && step.answer.intervalMs) || this.stream.intervalMs,
        fault: step?.kind === 'fault' ? step.fault : undefined,
        coding: this.#codingFor(header('accept-encoding'), step),
        signal: gone.signal,
      })
      this.#log.finish(recording, outcome, answer.status, answer.usage)
    } catch (error) {
      // Only a client that goes away may come here; anything else is a fault of the fake's own and must be loud.
      if (!gone.signal.aborted && !incoming.socket.destroyed) throw error
      this.#log.finish(recording, 'aborted', answer?.status)
    }
  }

  #limited(quota: KeyQuota | undefined, key: string | undefined, target: URL): ProviderAnswer | undefined {
    const retryAfterS = quota?.take() ?? null
    if (retryAfterS === null) return undefined
    const style = errorStyle(this.dialect, isOpenAiSurface(target.pathname))
    return providerError(style, 'rate-limited', { key: key ?? '', retryAfterS })
  }

  #nextStep(key: string | undefined): KeyStep | undefined {
    const own = key === undefined ? undefined : this.#programs.get(key)?.next()
    return own ?? this.everyKey.next()
  }

  #answer(
    step: KeyStep | undefined,
    incoming: IncomingMessage,
    target: URL,
    key: string | undefined,
    body: Buffer,
  ): ProviderAnswer {
    const style = errorStyle(this.dialect, isOpenAiSurface(target.pathname))
    if (step?.kind === 'answer') return programmedAnswer(step.answer)
    const detail = key === undefined ? {} : { key }
    if (step?.kind === 'error') return providerError(style, step.error, { ...detail, ...step.detail })
    if (step?.kind === 'limit') {
      const retryAfterS = Math.max(0, step.deadline - Date.now()) / 1000
      return providerError(style, 'rate-limited', { ...detail, retryAfterS })
    }
    if (key === undefined || key === '') return providerError(style, 'missing-key')
    if (this.#knownKeys && !this.#knownKeys.has(key)) return providerError(style, 'invalid-key', detail)
    const context = {
      reply: this.#reply,
      pace: this.stream,
      resources: this.#resources,
      origin: this.#origin(incoming),
    }
    const request = readProviderRequest(this.dialect, incoming, target, key, body, context)
    return 'status' in request ? request : answerRoute(request)
  }

  /** URLs in answers (uploads) lead to the host that was asked for. */
  #origin(incoming: IncomingMessage): string {
    return `${this.#options.tls ? 'https' : 'http'}://${incoming.headers.host ?? `127.0.0.1:${this.port}`}`
  }

  #codingFor(accepted: string | undefined, step: KeyStep | undefined): ContentCoding | undefined {
    const { coding } = this.#options
    const isNormal = step === undefined || step.kind === 'limit' || step.kind === 'error'
    return coding && isNormal && accepted?.includes(coding) ? coding : undefined
  }
}

async function readBody(incoming: IncomingMessage, recording: Recording): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const bytes of incoming as AsyncIterable<Buffer>) {
    recording.add(bytes)
    parts.push(bytes)
  }
  return parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts)
}
