/**
 * Buffers that large pieces are written from. What is read lies in a buffer that the next read overwrites (connect/read-buffer.ts),
 * and a write that the system does not take at once keeps its bytes for later; so they are copied, into buffers that are used
 * again as soon as they are written.
 */
export const writePayloadBytes = 262_144
/** Head and end of a chunk's frame. */
const frameBytes = 32
/** Buffers kept for the next write, per worker: 2 MiB. More are made when more streams are slow, and dropped afterwards. */
const maxKept = 8

const writeBufferBytes = writePayloadBytes + frameBytes

const kept: Buffer[] = []

export function takeWriteBuffer(): Buffer {
  return kept.pop() ?? Buffer.allocUnsafeSlow(writeBufferBytes)
}

export function giveBackWriteBuffer(buffer: Buffer): void {
  if (kept.length < maxKept) kept.push(buffer)
}
