// How the provider treats a key, as a test programs it. A step lasts until `recover`, or for so many requests, or (a
// limit) until its deadline; then the steps queued behind it take over, in the end the normal answer.

import type { ProviderAnswer, StreamErrorKind } from './answer.ts'
import type { ErrorDetail, ProviderErrorKind } from './error-kind.ts'

export type ProgrammedAnswer = {
  status?: number
  /** Pairs keep order and duplicates. */
  headers?: Record<string, string> | [name: string, value: string][]
  /** An object is sent as JSON. */
  body?: string | Uint8Array | object
  /** The body is written in pieces of these sizes, the last one repeated; without a length unless a header says one. */
  chunkSizes?: number[]
  intervalMs?: number
}

export type Fault =
  /** Waits before the head is sent. */
  | { kind: 'delay'; delayMs: number }
  /** Sends so many chunks (none: not even a head), then nothing more; the connection stays open. */
  | { kind: 'hang'; afterChunks?: number }
  /** Breaks the connection with RST after so many chunks, or before the head. */
  | { kind: 'reset'; afterChunks?: number }
  /** Ends the connection with FIN after so many chunks, with the body unfinished. */
  | { kind: 'truncate'; afterChunks: number }
  /** Announces so many bytes more (or fewer) than it sends, then ends the connection. */
  | { kind: 'wrong-content-length'; extraBytes: number }
  /** Closes the connection without an answer. */
  | { kind: 'close' }
  /** An error as event of a stream that began with 200, after so many events. */
  | { kind: 'stream-error'; error: StreamErrorKind; afterChunks: number }

export type Times = { times?: number }

export type KeyStep =
  | { kind: 'answer'; answer: ProgrammedAnswer }
  | { kind: 'error'; error: ProviderErrorKind; detail: ErrorDetail }
  | { kind: 'limit'; deadline: number }
  | { kind: 'fault'; fault: Fault }

export interface KeyProgram {
  respond(answer: ProgrammedAnswer, times?: Times): KeyProgram
  /** 429 with every header and body field that names the wait; served again after `retryAfterS`. */
  limit(options: { retryAfterS: number }): KeyProgram
  outOfQuota(times?: Times): KeyProgram
  /** The key is no longer valid. */
  revoke(times?: Times): KeyProgram
  overload(times?: Times): KeyProgram
  /** Any other error in the provider's own words. */
  fail(error: ProviderErrorKind, times?: Times & { detail?: ErrorDetail }): KeyProgram
  fault(fault: Fault, times?: Times): KeyProgram
  /** Forgets everything programmed. */
  recover(): KeyProgram
}

/** The program and its consumption: `next` takes the step for a request, undefined for the normal answer. */
export type RunningProgram = KeyProgram & { next(): KeyStep | undefined }

export function createKeyProgram(now: () => number = Date.now): RunningProgram {
  let steps: { step: KeyStep; left: number }[] = []
  const program: RunningProgram = {
    respond: (answer, times) => add({ kind: 'answer', answer }, times),
    limit: ({ retryAfterS }) => add({ kind: 'limit', deadline: now() + retryAfterS * 1000 }),
    outOfQuota: (times) => program.fail('out-of-quota', times),
    revoke: (times) => program.fail('invalid-key', times),
    overload: (times) => program.fail('overloaded', times),
    fail: (error, { detail = {}, ...times } = {}) => add({ kind: 'error', error, detail }, times),
    fault: (fault, times) => add({ kind: 'fault', fault }, times),
    recover() {
      steps = []
      return program
    },
    next() {
      const current = steps.find(({ step, left }) => left > 0 && !isOver(step, now()))
      steps = steps.filter(({ step, left }) => left > 0 && !isOver(step, now()))
      if (current) current.left--
      return current?.step
    },
  }
  function add(step: KeyStep, { times = Infinity }: Times = {}): KeyProgram {
    steps.push({ step, left: times })
    return program
  }
  return program
}

function isOver(step: KeyStep, now: number): boolean {
  return step.kind === 'limit' && step.deadline <= now
}

/** The bytes of a programmed answer in the pieces in which they are sent. */
export function programmedAnswer(programmed: ProgrammedAnswer): ProviderAnswer {
  const { status = 200, headers = {}, body = '', chunkSizes } = programmed
  const isJson = typeof body === 'object' && !(body instanceof Uint8Array)
  const bytes = Buffer.from(isJson ? JSON.stringify(body) : (body as string))
  const pairs = Array.isArray(headers) ? headers : Object.entries(headers)
  const hasType = pairs.some(([name]) => name.toLowerCase() === 'content-type')
  const typed: [string, string][] = isJson && !hasType ? [['content-type', 'application/json'], ...pairs] : pairs
  return {
    status,
    headers: typed,
    chunks: chunkSizes ? cutBytes(bytes, chunkSizes) : [bytes],
    isStream: chunkSizes !== undefined,
  }
}

function cutBytes(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = []
  for (let start = 0, index = 0; start < bytes.length; index++) {
    const size = Math.max(1, sizes[Math.min(index, sizes.length - 1)] ?? bytes.length)
    chunks.push(bytes.subarray(start, start + size))
    start += size
  }
  return chunks
}
