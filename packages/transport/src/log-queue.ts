import type { SealedBatch, StreamPartition, StreamRecord } from './log-stream.ts'

type Waiting = { batch: SealedBatch; settle: (error?: Error) => void }

export type LogQueueOptions = { maxQueuedBytes: number; sendTimeoutMs: number }

/** One call of the handler is one transaction, which shall stay short (50 ms): some thousand events. */
const maxRecordsPerCall = 8

/**
 * Batches between the in-process producer and consumer, first in first out. Offsets are given to records when they are
 * handed to the handler, counted from what the handler's database said.
 */
export class LogQueue {
  /** Offset of the first waiting record; undefined until the handler has said it. */
  next: bigint | undefined
  readonly #options: LogQueueOptions
  readonly #waiting: Waiting[] = []
  readonly #unsettled = new Set<Promise<void>>()
  #queuedBytes = 0
  #inHandling = 0
  #isClosed = false
  #wake: () => void = () => undefined

  constructor(options: LogQueueOptions) {
    this.#options = options
  }

  get highWatermark(): string {
    return ((this.next ?? 0n) + BigInt(this.#waiting.length)).toString()
  }

  /** Resolves when the handler has stored all of them. */
  async send(batches: readonly SealedBatch[]): Promise<void> {
    if (this.#isClosed) throw new Error('the log stream is closed')
    const bytes = batches.reduce((sum, batch) => sum + batch.bytes.length, 0)
    if (this.#queuedBytes + bytes > this.#options.maxQueuedBytes) {
      throw new Error(`the log stream is full: ${this.#queuedBytes} bytes wait`)
    }
    await Promise.all(batches.map((batch) => this.#enqueue(batch)))
  }

  startAt(stored: string | null): void {
    this.next = BigInt(stored ?? 0)
  }

  /** The first records, as soon as there are any; none once `signal` is aborted. They stay until acknowledged. */
  async head(place: StreamPartition, signal: AbortSignal): Promise<StreamRecord[]> {
    const wake = () => this.#wake()
    signal.addEventListener('abort', wake)
    while (this.#waiting.length === 0 && !signal.aborted) {
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
    signal.removeEventListener('abort', wake)
    if (signal.aborted) return []
    const head = this.#waiting.slice(0, maxRecordsPerCall)
    this.#inHandling = head.length
    const first = this.next ?? 0n
    const timestampMs = Date.now()
    return head.map(({ batch }, i) => {
      return {
        ...place,
        offset: (first + BigInt(i)).toString(),
        bytes: batch.bytes,
        timestampMs,
        identity: batch.identity,
      }
    })
  }

  acknowledge(count: number): void {
    this.#inHandling = 0
    this.next = (this.next ?? 0n) + BigInt(count)
    for (const { settle } of this.#remove(0, count)) settle()
  }

  /** The handler failed: what it was at work on waits like the rest. */
  release(): void {
    this.#inHandling = 0
  }

  refuseAll(): void {
    this.#isClosed = true
    for (const { settle } of this.#remove(0, this.#waiting.length)) settle(new Error('the log stream is closed'))
  }

  /** Takes no more; resolves when everything that was taken is stored or refused, which `sendTimeoutMs` bounds. */
  async drain(): Promise<void> {
    this.#isClosed = true
    await Promise.allSettled(this.#unsettled)
  }

  #enqueue(batch: SealedBatch): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const settle = (error?: Error) => {
      clearTimeout(timer)
      this.#unsettled.delete(promise)
      if (error) reject(error)
      else resolve()
    }
    const entry: Waiting = { batch, settle }
    const timer = setTimeout(() => this.#giveUp(entry), this.#options.sendTimeoutMs)
    this.#unsettled.add(promise)
    this.#waiting.push(entry)
    this.#queuedBytes += batch.bytes.length
    this.#wake()
    return promise
  }

  /** What the handler is at work on stays in its place: it may be stored yet, and a resend is harmless. */
  #giveUp(entry: Waiting): void {
    const at = this.#waiting.indexOf(entry)
    if (at >= this.#inHandling) this.#remove(at, 1)
    entry.settle(new Error(`a batch was not stored within ${this.#options.sendTimeoutMs} ms`))
  }

  #remove(at: number, count: number): Waiting[] {
    const removed = this.#waiting.splice(at, count)
    for (const { batch } of removed) this.#queuedBytes -= batch.bytes.length
    return removed
  }
}
