import type { ClientRequest, Agent as PlainAgent, IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { Agent, request } from '@gpt-load/service-kit/node-http'
import type { Agent as TlsAgent } from 'node:https'

/**
 * Calls over node:http, which an edge has loaded for its admin server: undici beside it is 13 MB more of every edge. Each stage
 * has its own time: to connect (TLS included), until the answer's head, and between two pieces of its body, while they are
 * asked for.
 */
export type HttpCall = {
  method: 'GET' | 'POST'
  headers: Record<string, string>
  body?: string
  answerTimeoutMs: number
  signal?: AbortSignal
}

export type HttpCallerOptions = {
  connectTimeoutMs: number
  pieceTimeoutMs: number
  /** For how long a connection is kept for the next call. */
  keepAliveMs: number
}

const maxKeptConnections = 4

export class HttpCaller {
  readonly #options: HttpCallerOptions
  readonly #agent: PlainAgent
  #tls: typeof import('node:https') | null = null
  #tlsAgent: TlsAgent | null = null

  constructor(options: HttpCallerOptions) {
    this.#options = options
    this.#agent = new Agent(this.#agentOptions)
  }

  /**
   * Rejects when there is no answer's head in time. A kept connection that the peer has closed costs a second try, so that a call may
   * arrive twice: config-service takes each post for what it is (events by their number, resources and reports by their key).
   */
  async send(url: URL, call: HttpCall): Promise<HttpAnswer> {
    const outgoing = this.#request(url, call)
    try {
      return await this.#answer(outgoing, call)
    } catch (error) {
      const wasClosed = outgoing.reusedSocket && isReset(error) && call.signal?.aborted !== true
      if (!wasClosed) throw error
      return this.#answer(this.#request(url, call), call)
    }
  }

  /** Calls that are under way are broken off. */
  close(): void {
    this.#agent.destroy()
    this.#tlsAgent?.destroy()
  }

  get #agentOptions() {
    return { keepAlive: true, maxFreeSockets: maxKeptConnections, timeout: this.#options.keepAliveMs }
  }

  #request(url: URL, { method, headers, signal }: HttpCall): ClientRequest {
    const options = { method, headers, ...(signal === undefined ? {} : { signal }) }
    if (url.protocol !== 'https:') return request(url, { ...options, agent: this.#agent })
    const tls = (this.#tls ??= process.getBuiltinModule('node:https'))
    this.#tlsAgent ??= new tls.Agent(this.#agentOptions)
    return tls.request(url, { ...options, agent: this.#tlsAgent })
  }

  #answer(outgoing: ClientRequest, { body, answerTimeoutMs }: HttpCall): Promise<HttpAnswer> {
    const { connectTimeoutMs, pieceTimeoutMs } = this.#options
    return new Promise((resolve, reject) => {
      let timer: NodeJS.Timeout | undefined
      const enter = (what: string, timeoutMs: number): void => {
        clearTimeout(timer)
        timer = setTimeout(() => outgoing.destroy(new Error(`no ${what} within ${timeoutMs} ms`)), timeoutMs)
      }
      outgoing.once('socket', (socket) => {
        if (!socket.connecting) return enter('answer', answerTimeoutMs)
        enter('connection', connectTimeoutMs)
        const isTls = 'encrypted' in socket
        socket.once(isTls ? 'secureConnect' : 'connect', () => enter('answer', answerTimeoutMs))
      })
      outgoing.once('response', (incoming) => {
        clearTimeout(timer)
        resolve(new HttpAnswer(incoming, pieceTimeoutMs))
      })
      // Also after the answer's head: what breaks then, whoever reads the body hears of.
      outgoing.on('error', (error) => {
        clearTimeout(timer)
        reject(error)
      })
      outgoing.end(body)
    })
  }
}

export class HttpAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly #incoming: IncomingMessage
  readonly #pieceTimeoutMs: number

  constructor(incoming: IncomingMessage, pieceTimeoutMs: number) {
    this.status = incoming.statusCode ?? 0
    this.headers = incoming.headers
    this.#incoming = incoming
    this.#pieceTimeoutMs = pieceTimeoutMs
  }

  /** Whoever stops before the end closes the connection. */
  async *pieces(): AsyncGenerator<Buffer> {
    const incoming = this.#incoming
    const timeoutMs = this.#pieceTimeoutMs
    const silent = () => incoming.destroy(new Error(`the answer stopped for ${timeoutMs} ms`))
    let timer = setTimeout(silent, timeoutMs)
    try {
      for await (const piece of incoming) {
        clearTimeout(timer)
        yield piece as Buffer
        timer = setTimeout(silent, timeoutMs)
      }
    } finally {
      clearTimeout(timer)
    }
  }

  /** Throws when there is more than that, or when it is not JSON. */
  async json(maxBytes: number): Promise<unknown> {
    const pieces: Buffer[] = []
    let bytes = 0
    for await (const piece of this.pieces()) {
      bytes += piece.length
      if (bytes > maxBytes) throw new Error('the answer is larger than it may be')
      pieces.push(piece)
    }
    return JSON.parse(Buffer.concat(pieces, bytes).toString()) as unknown
  }

  /** Reads the rest away, so that the connection can be used again; closes it when there is more than that. */
  async drop(maxBytes: number): Promise<void> {
    let bytes = 0
    for await (const piece of this.pieces()) {
      bytes += piece.length
      if (bytes > maxBytes) return
    }
  }
}

function isReset(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'ECONNRESET' || code === 'EPIPE'
}
