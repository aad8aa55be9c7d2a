import { connect, type Socket } from 'node:net'
import type { Endpoint } from '../contenders/gateway.ts'
import { eventMark, streamRequestBody } from './payloads.ts'
import { requestHead } from './raw-request.ts'

/** One streamed call on a connection of its own; a raw socket, since the load's core is shared with the upstream. */
export interface Stream {
  /** From the written request to the first byte of the body. */
  readonly firstByteMs: number
  readonly bodyBytes: number
  readonly events: number
  /** Why it ended; null while it lives. */
  readonly ended: string | null
  /** As a client does that goes away. */
  abort(): void
}

const openTimeoutMs = 30_000
const headEnd = Buffer.from('\r\n\r\n')

/** Resolves when the first byte of the body is there; events are counted only when asked for. */
export function openStream(endpoint: Endpoint, options: { isCounting?: boolean } = {}): Promise<Stream> {
  return new StreamClient(endpoint, options.isCounting ?? false).opened
}

class StreamClient implements Stream {
  firstByteMs = 0
  bodyBytes = 0
  events = 0
  ended: string | null = null
  readonly opened: Promise<Stream>
  readonly #socket: Socket
  readonly #isCounting: boolean
  readonly #opening = Promise.withResolvers<Stream>()
  #head: Buffer | null = Buffer.alloc(0)
  #sentAtMs = 0

  constructor(endpoint: Endpoint, isCounting: boolean) {
    this.#isCounting = isCounting
    this.opened = this.#opening.promise
    this.#socket = connect({ host: endpoint.host, port: endpoint.port, noDelay: true })
    this.#socket.setTimeout(openTimeoutMs, () => this.#end('it does not begin'))
    this.#socket.on('connect', () => {
      this.#sentAtMs = performance.now()
      this.#socket.write(requestHead(endpoint, streamRequestBody.length) + streamRequestBody)
    })
    this.#socket.on('data', (bytes: Buffer) => this.#read(bytes))
    this.#socket.on('error', (error) => this.#end(error.message))
    this.#socket.on('close', () => this.#end('it was closed'))
  }

  abort(): void {
    this.#end('aborted')
  }

  #read(bytes: Buffer): void {
    if (this.#head === null) return this.#count(bytes)
    const head = Buffer.concat([this.#head, bytes])
    const end = head.indexOf(headEnd)
    this.#head = head
    if (end < 0) return
    const status = head.subarray(9, 12).toString('latin1')
    if (status !== '200')
      return this.#end(`it was answered with ${status}: ${head.subarray(end, 500 + end).toString('latin1')}`)
    const body = head.subarray(end + headEnd.length)
    if (body.length === 0) return
    this.#head = null
    this.firstByteMs = performance.now() - this.#sentAtMs
    this.#socket.setTimeout(0)
    this.#count(body)
    this.#opening.resolve(this)
  }

  #count(bytes: Buffer): void {
    this.bodyBytes += bytes.length
    if (!this.#isCounting) return
    for (let at = bytes.indexOf(eventMark); at >= 0; at = bytes.indexOf(eventMark, at + 1)) this.events += 1
  }

  #end(reason: string): void {
    if (this.ended !== null) return
    this.ended = reason
    this.#opening.reject(new Error(`a stream failed: ${reason}`))
    this.#socket.destroy()
  }
}
