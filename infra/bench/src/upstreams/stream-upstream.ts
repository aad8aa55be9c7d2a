// A provider that streams, as a process of its own: raw sockets and buffers made beforehand, so that it is cheaper than
// what it measures. The first segment of the path says how it behaves:
//
//   /paced   an event at once, then one each 20 to 50 ms for as long as the connection lives
//   /fast    small events in frames of their own, as fast as they are taken; /fast-large the same with 16 KiB
//   /idle    one event, then silence
//   /slow    answers after 20 ms, which is soon for a model
//   /upload  reads the body after a pause, then answers; anything else answers at once
//
// Prints `port N` when it listens and `closed N` (monotonic ns) when a stream's connection ends.

import { createServer, type Socket } from 'node:net'
import { eventBytes, fixedAnswer, sseEvent } from '../load/payloads.ts'

const streamHead = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n'
const answer = Buffer.from(
  `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${fixedAnswer.length}\r\n\r\n${fixedAnswer}`,
)
const largeEventBytes = 16_384
const fastWriteBytes = 65_536
/** Long enough for what stands before us to fill every buffer that it has. */
const uploadPauseMs = 500
const slowAnswerMs = 20
const pace = { fromMs: 20, toMs: 50 }

const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`
const repeated = (text: string): Buffer => Buffer.from(text.repeat(Math.ceil(fastWriteBytes / text.length)))
const event = Buffer.from(chunk(sseEvent(eventBytes)))
const headAndEvent = Buffer.concat([Buffer.from(streamHead), event])
const fastWrites: Record<string, Buffer> = {
  fast: repeated(chunk(sseEvent(eventBytes))),
  'fast-large': repeated(chunk(sseEvent(largeEventBytes))),
}

class Connection {
  readonly #socket: Socket
  #head = ''
  /** Bytes of the body that are still to come; -1 while a head is read, Infinity for a chunked body. */
  #bodyLeft = -1
  #behaviour = ''
  #timer: NodeJS.Timeout | undefined
  #isStreaming = false

  constructor(socket: Socket) {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.on('data', (bytes: Buffer) => this.#read(bytes))
    socket.on('error', () => socket.destroy())
    socket.on('close', () => this.#leave())
  }

  #read(bytes: Buffer): void {
    if (this.#isStreaming) return
    if (this.#bodyLeft < 0) this.#readHead(bytes)
    else this.#readBody(bytes)
  }

  #readHead(bytes: Buffer): void {
    this.#head += bytes.toString('latin1')
    const end = this.#head.indexOf('\r\n\r\n')
    if (end < 0) return
    const head = this.#head.slice(0, end)
    const body = Buffer.from(this.#head.slice(end + 4), 'latin1')
    this.#head = ''
    this.#behaviour = /^\S+ \/([\w-]*)/.exec(head)?.[1] ?? ''
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1]
    this.#bodyLeft = /\r\ntransfer-encoding: *chunked/i.test(head) ? Infinity : Number(length ?? 0)
    if (this.#behaviour === 'upload') this.#pause()
    this.#readBody(body)
  }

  #pause(): void {
    this.#socket.pause()
    this.#timer = setTimeout(() => this.#socket.resume(), uploadPauseMs)
  }

  #readBody(bytes: Buffer): void {
    this.#bodyLeft -= bytes.length
    const isDone =
      this.#bodyLeft === Infinity ? bytes.subarray(-5).toString('latin1') === '0\r\n\r\n' : this.#bodyLeft <= 0
    if (!isDone) return
    this.#bodyLeft = -1
    this.#answer()
  }

  #answer(): void {
    const fast = fastWrites[this.#behaviour]
    if (fast !== undefined) this.#streamFast(fast)
    else if (this.#behaviour === 'paced') this.#streamPaced()
    else if (this.#behaviour === 'idle') this.#begin()
    else if (this.#behaviour === 'slow') this.#timer = setTimeout(() => this.#socket.write(answer), slowAnswerMs)
    else this.#socket.write(answer)
  }

  #begin(): void {
    this.#isStreaming = true
    this.#socket.write(headAndEvent)
  }

  #streamPaced(): void {
    this.#begin()
    const next = (): void => {
      this.#timer = setTimeout(
        () => {
          this.#socket.write(event)
          next()
        },
        pace.fromMs + Math.random() * (pace.toMs - pace.fromMs),
      )
    }
    next()
  }

  #streamFast(bytes: Buffer): void {
    this.#isStreaming = true
    this.#socket.write(streamHead)
    const fill = (): void => {
      while (!this.#socket.destroyed && this.#socket.write(bytes));
    }
    this.#socket.on('drain', fill)
    fill()
  }

  #leave(): void {
    clearTimeout(this.#timer)
    if (this.#isStreaming) process.stdout.write(`closed ${process.hrtime.bigint()}\n`)
  }
}

const server = createServer({ highWaterMark: fastWriteBytes }, (socket) => new Connection(socket))
server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 }, () => {
  const address = server.address()
  process.stdout.write(`port ${typeof address === 'object' ? address?.port : ''}\n`)
})
