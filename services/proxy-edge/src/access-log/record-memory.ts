import { maxLogPayloadBytes } from '@gpt-load/transport/log-batch/encode-log-event'

/**
 * Where a worker writes the records of a batch and the main thread seals them: shared, so that handing half a megabyte over
 * copies nothing and asks for no new pages, and used again once it is sealed. A piece begins with a word that says whether it
 * is in use.
 */
const headBytes = 8
const free = 0
const inUse = 1
/**
 * Two are used in turns: one is filled, one sealed. Where the main thread lags behind there are as many as wait, and they are kept, lest
 * each lag makes new ones, for which the collector does not hurry: 2.5 s of it at full load. They hold no more pages than were written.
 */
const maxKept = 32

export type RecordMemory = SharedArrayBuffer

/** The room for the payload. */
export function payloadRoom(memory: RecordMemory): Buffer {
  return Buffer.from(memory, headBytes, maxLogPayloadBytes)
}

/** By whoever has sealed its payload. */
export function release(memory: RecordMemory): void {
  Atomics.store(stateOf(memory), 0, free)
}

/** The worker's pieces. */
export class RecordMemories {
  readonly #kept: RecordMemory[] = []

  take(): RecordMemory {
    const spare = this.#kept.find((memory) => Atomics.load(stateOf(memory), 0) === free)
    const memory = spare ?? new SharedArrayBuffer(headBytes + maxLogPayloadBytes)
    if (spare === undefined && this.#kept.length < maxKept) this.#kept.push(memory)
    Atomics.store(stateOf(memory), 0, inUse)
    return memory
  }
}

const stateOf = (memory: RecordMemory): Int32Array => new Int32Array(memory, 0, 1)
