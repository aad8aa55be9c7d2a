// Sends an answer through node:http, in the pace of the stream and with the faults that a test has asked for.

import type { ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { constants, createBrotliCompress, createGzip } from 'node:zlib'
import type { ProviderAnswer } from './answer.ts'
import type { Fault } from './key-program.ts'

export type ContentCoding = 'gzip' | 'br'

export type WriteOptions = {
  intervalMs: number
  fault?: Fault | undefined
  coding?: ContentCoding | undefined
  /** Aborted when the client goes away. */
  signal: AbortSignal
}

/** Gives 'broken' when a fault cut the answer off, 'answered' otherwise. Rejects when the client goes away. */
export async function writeAnswer(
  response: ServerResponse,
  answer: ProviderAnswer,
  options: WriteOptions,
): Promise<'answered' | 'broken'> {
  const { fault, signal, coding } = options
  if (fault?.kind === 'delay') await delay(fault.delayMs, undefined, { signal })
  if (fault && isBeforeHead(fault)) return breakOff(response, fault, signal)
  const plain = chunksFor(answer, fault)
  const chunks = coding ? await compress(plain, coding) : plain
  writeHead(response, answer, chunks, options)
  const end = chunksUntilBreak(fault, chunks.length)
  for (const chunk of chunks.slice(0, end)) {
    if (options.intervalMs > 0 && answer.isStream) await delay(options.intervalMs, undefined, { signal })
    await writeChunk(response, chunk, signal)
  }
  if (end < chunks.length || fault?.kind === 'wrong-content-length') return breakOff(response, fault, signal)
  await orAborted(signal, (resolve) => response.end(resolve))
  // The callback also comes when the connection broke before the last byte was taken.
  if (!response.writableFinished) throw signal.reason
  return 'answered'
}

function isBeforeHead(fault: Fault): boolean {
  return fault.kind === 'close' || ((fault.kind === 'hang' || fault.kind === 'reset') && !fault.afterChunks)
}

/** How many chunks are sent; fewer than all when the fault breaks the answer off. */
function chunksUntilBreak(fault: Fault | undefined, total: number): number {
  if (fault?.kind !== 'hang' && fault?.kind !== 'reset' && fault?.kind !== 'truncate') return total
  // A break after the last chunk still comes before the end of the body.
  return Math.min(fault.afterChunks ?? 0, total - 1)
}

/** A body in one piece is cut into four for a fault, so that it too can break in the middle. */
const FAULT_PIECES = 4

function chunksFor({ chunks, isStream, errorFrame }: ProviderAnswer, fault: Fault | undefined): Buffer[] {
  if (!fault) return chunks
  if (fault.kind === 'stream-error')
    return errorFrame ? [...chunks.slice(0, fault.afterChunks), errorFrame(fault.error)] : chunks
  const [body] = chunks
  if (isStream || !body) return chunks
  const size = Math.max(1, Math.ceil(body.length / FAULT_PIECES))
  return Array.from({ length: Math.ceil(body.length / size) }, (_, index) =>
    body.subarray(index * size, (index + 1) * size),
  )
}

function writeHead(response: ServerResponse, answer: ProviderAnswer, chunks: Buffer[], options: WriteOptions): void {
  const headers = [...answer.headers]
  const { coding, fault } = options
  if (coding) headers.push(['content-encoding', coding], ['vary', 'accept-encoding'])
  const hasLength = headers.some(([name]) => /^(content-length|transfer-encoding)$/i.test(name))
  const isBodiless = answer.status === 204 || answer.status === 304
  const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0)
  if (fault?.kind === 'wrong-content-length') headers.push(['content-length', String(length + fault.extraBytes)])
  else if (!answer.isStream && !hasLength && !isBodiless) headers.push(['content-length', String(length)])
  response.writeHead(answer.status, headers.flat())
  // The head of a stream goes out before its first event, and that of a broken answer before the break.
  if (answer.isStream || fault) response.flushHeaders()
}

/** Waits until the kernel has it: node:http joins what is written in one tick, and each chunk is to be one frame. */
function writeChunk(response: ServerResponse, chunk: Buffer, signal: AbortSignal): Promise<void> {
  return orAborted(signal, (resolve) => response.write(chunk, () => resolve()))
}

/** Rejects when the client goes away before `start` has called back. */
async function orAborted(signal: AbortSignal, start: (resolve: () => void) => void): Promise<void> {
  signal.throwIfAborted()
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const abort = () => reject(signal.reason as Error)
  signal.addEventListener('abort', abort, { once: true })
  start(resolve)
  await promise.finally(() => signal.removeEventListener('abort', abort))
}

async function breakOff(response: ServerResponse, fault: Fault | undefined, signal: AbortSignal): Promise<'broken'> {
  const { socket } = response
  if (fault?.kind === 'hang') await orAborted(signal, () => undefined)
  if (fault?.kind === 'reset') socket?.resetAndDestroy()
  else socket?.end()
  return 'broken'
}

/** One compressed piece per chunk: providers flush their coder at each event. */
async function compress(chunks: readonly Buffer[], coding: ContentCoding): Promise<Buffer[]> {
  const coder = coding === 'gzip' ? createGzip() : createBrotliCompress()
  const flushKind = coding === 'gzip' ? constants.Z_SYNC_FLUSH : constants.BROTLI_OPERATION_FLUSH
  const compressed: Buffer[] = []
  let pending: Buffer[] = []
  coder.on('data', (bytes: Buffer) => pending.push(bytes))
  for (const chunk of chunks) {
    coder.write(chunk)
    await new Promise<void>((resolve) => coder.flush(flushKind, resolve))
    compressed.push(Buffer.concat(pending))
    pending = []
  }
  await new Promise<void>((resolve) => coder.once('end', resolve).end())
  return pending.length > 0 ? [...compressed, Buffer.concat(pending)] : compressed
}
