import { connect, type Socket } from 'node:net'
import { messageLength } from '../upstreams/http-framing.ts'

/** What came of a request: a whole answer's head, or why there is none. */
export type LoadAnswer = { status: number; head: string; detail: string }

const answerTimeoutMs = 30_000
const detailLength = 300

/** One kept connection with one request under way at most; opened again by the next request when it has ended. */
export class LoadConnection {
  readonly #target: { host: string; port: number }
  #socket: Socket | null = null
  #received: Buffer = Buffer.alloc(0)
  #answer: ((answer: LoadAnswer) => void) | null = null

  constructor(target: { host: string; port: number }) {
    this.#target = target
  }

  send(request: Buffer, answer: (answer: LoadAnswer) => void): void {
    this.#answer = answer
    this.#socket ??= this.#open()
    this.#socket.write(request)
  }

  close(): void {
    this.#socket?.destroy()
  }

  #open(): Socket {
    const socket = connect({ ...this.#target, noDelay: true })
    let problem = 'the connection was closed'
    socket.setTimeout(answerTimeoutMs, () => socket.destroy(new Error(`no answer within ${answerTimeoutMs} ms`)))
    socket.on('data', (bytes: Buffer) => this.#take(bytes, socket))
    socket.on('error', (error) => (problem = error.message))
    socket.on('end', () => socket.destroy())
    socket.on('close', () => {
      if (this.#socket !== socket) return
      this.#socket = null
      this.#settle({ status: 0, head: '', detail: problem })
    })
    return socket
  }

  #take(bytes: Buffer, socket: Socket): void {
    this.#received = this.#received.length === 0 ? bytes : Buffer.concat([this.#received, bytes])
    const length = messageLength(this.#received, 'response')
    if (length === undefined) return
    const text = this.#received.toString('latin1', 0, length)
    const head = text.slice(0, text.indexOf('\r\n\r\n'))
    const status = Number(head.slice(9, 12))
    if (/\r\nconnection: *close/i.test(head)) {
      this.#socket = null
      socket.destroy()
    }
    this.#settle({ status, head, detail: status === 200 ? '' : text.slice(head.length + 4).slice(0, detailLength) })
  }

  #settle(answer: LoadAnswer): void {
    this.#received = Buffer.alloc(0)
    const waiting = this.#answer
    this.#answer = null
    waiting?.(answer)
  }
}
