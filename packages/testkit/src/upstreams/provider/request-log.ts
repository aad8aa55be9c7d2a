// What the provider received, for assertions: a bounded ring of requests, and counters per key that go on when bodies
// are not kept.

import { createHash } from 'node:crypto'
import type { Hash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { createWaitingQueue } from '../waiting-queue.ts'
import type { TokenUsage } from './answer.ts'

export interface RecordedRequest {
  readonly method: string
  /** The request target as it stood in the request line. */
  readonly target: string
  readonly httpVersion: string
  /** Every header in order, with its own case and duplicates. */
  readonly rawHeaders: readonly (readonly [name: string, value: string])[]
  readonly key: string | undefined
  /** The connection that it came on, by number. */
  readonly connection: number
  /** `performance.now()` when the head had come. */
  readonly receivedAt: number
  /** What has come of the body, up to `maxBodyBytes`. */
  readonly body: Buffer
  readonly bodyBytes: number
  /** SHA-256 of the whole body in hex, once it has come whole. */
  readonly bodySha256: string | undefined
  readonly rawTrailers: readonly (readonly [name: string, value: string])[]
  /** The status that was sent. */
  readonly status: number | undefined
  /** The client went away before the answer was finished, and when. */
  readonly isAborted: boolean
  readonly abortedAt: number | undefined
  /** Value of the first header of that name. */
  header(name: string): string | undefined
  json(): unknown
}

export type KeyCounters = {
  /** Requests received. */
  requests: number
  /** Answered whole with a status below 400. */
  succeeded: number
  /** Answered whole with an error. */
  failed: number
  /** Left by the client before the answer was finished. */
  aborted: number
  /** Broken off by a programmed fault. */
  broken: number
  promptTokens: number
  completionTokens: number
}

export type RequestOutcome = 'answered' | 'aborted' | 'broken'

export type RequestLogOptions = { maxRequests: number; maxBodyBytes: number }

export function createRequestLog({ maxRequests, maxBodyBytes }: RequestLogOptions) {
  const requests: Recording[] = []
  const arrived = createWaitingQueue<RecordedRequest>(maxRequests)
  const aborted = createWaitingQueue<RecordedRequest>(maxRequests)
  const counters = new Map<string, KeyCounters>()
  const total = newCounters()
  return {
    requests: requests as readonly RecordedRequest[],
    arrived,
    aborted,
    total,
    countersOf: (key: string): KeyCounters => counters.get(key) ?? newCounters(),
    begin(incoming: IncomingMessage, key: string | undefined, connection: number): Recording {
      const recording = new Recording(incoming, key, connection, maxRequests > 0 ? maxBodyBytes : undefined)
      const counted = entry(key ?? '')
      counted.requests++
      total.requests++
      if (maxRequests > 0) requests.push(recording)
      if (requests.length > maxRequests) requests.shift()
      return recording
    },
    bodyComplete(recording: Recording): void {
      recording.complete()
      if (maxRequests > 0) arrived.push(recording)
    },
    finish(recording: Recording, outcome: RequestOutcome, status: number | undefined, usage?: TokenUsage): void {
      recording.status = status
      for (const one of [entry(recording.key ?? ''), total]) count(one, outcome, status, usage)
      if (outcome !== 'aborted') return
      recording.abortedAt = performance.now()
      if (maxRequests > 0) aborted.push(recording)
    },
  }

  function entry(key: string): KeyCounters {
    const known = counters.get(key) ?? newCounters()
    counters.set(key, known)
    return known
  }
}

export type RequestLog = ReturnType<typeof createRequestLog>

function newCounters(): KeyCounters {
  return { requests: 0, succeeded: 0, failed: 0, aborted: 0, broken: 0, promptTokens: 0, completionTokens: 0 }
}

function count(counters: KeyCounters, outcome: RequestOutcome, status: number | undefined, usage?: TokenUsage): void {
  if (outcome !== 'answered') counters[outcome]++
  else if (status !== undefined && status < 400) counters.succeeded++
  else counters.failed++
  if (outcome !== 'answered' || !usage) return
  counters.promptTokens += usage.promptTokens
  counters.completionTokens += usage.completionTokens
}

export class Recording implements RecordedRequest {
  readonly method: string
  readonly target: string
  readonly httpVersion: string
  readonly rawHeaders: [string, string][]
  readonly key: string | undefined
  readonly connection: number
  readonly receivedAt = performance.now()
  bodyBytes = 0
  bodySha256: string | undefined
  status: number | undefined
  abortedAt: number | undefined
  readonly #incoming: IncomingMessage
  readonly #maxBodyBytes: number
  readonly #hash: Hash | undefined
  #parts: Buffer[] = []
  #keptBytes = 0

  constructor(
    incoming: IncomingMessage,
    key: string | undefined,
    connection: number,
    maxBodyBytes: number | undefined,
  ) {
    this.method = incoming.method ?? ''
    this.target = incoming.url ?? ''
    this.httpVersion = incoming.httpVersion
    this.rawHeaders = pairs(incoming.rawHeaders)
    this.key = key
    this.connection = connection
    this.#incoming = incoming
    this.#maxBodyBytes = maxBodyBytes ?? 0
    this.#hash = maxBodyBytes === undefined ? undefined : createHash('sha256')
  }

  get body(): Buffer {
    if (this.#parts.length !== 1) this.#parts = [Buffer.concat(this.#parts)]
    return this.#parts[0] ?? Buffer.alloc(0)
  }

  get rawTrailers(): [string, string][] {
    return pairs(this.#incoming.rawTrailers)
  }

  get isAborted(): boolean {
    return this.abortedAt !== undefined
  }

  header(name: string): string | undefined {
    return this.rawHeaders.find(([other]) => other.toLowerCase() === name.toLowerCase())?.[1]
  }

  json(): unknown {
    return JSON.parse(this.body.toString('utf8'))
  }

  add(bytes: Buffer): void {
    this.bodyBytes += bytes.length
    this.#hash?.update(bytes)
    const kept = bytes.subarray(0, this.#maxBodyBytes - this.#keptBytes)
    if (kept.length > 0) this.#parts.push(kept)
    this.#keptBytes += kept.length
  }

  complete(): void {
    this.bodySha256 = this.#hash?.digest('hex')
  }
}

function pairs(flat: string[]): [string, string][] {
  return Array.from({ length: flat.length / 2 }, (_, index) => [flat[2 * index] ?? '', flat[2 * index + 1] ?? ''])
}
