import type { Transform } from 'node:stream'
import type { CreatedResourceReader } from '@gpt-load/channels/created-resource-reader'
import type { UsageReader } from '@gpt-load/channels/channel'
import type { TokenUsage } from '@gpt-load/contracts/log-event'
import { createDecoder, isPlain } from '../body/decode-body.ts'

/**
 * Reads token usage, and ids of resources, beside the forwarded bytes, never in their way. Compressed answers are decoded in zlib's own threads, behind
 * a bound: what lags by more, or decodes to more, is not read to the end.
 */
const maxBacklogBytes = 1_048_576
const maxDecodedBytes = 67_108_864

export interface UsageListener {
  onUsageRead(): void
}

const unknown: TokenUsage = { input: -1, output: -1, cached: -1, reasoning: -1 }

export class UsageTee {
  readonly #reader: UsageReader
  readonly #resources: CreatedResourceReader | null
  readonly #decoder: Transform | null = null
  #listener: UsageListener | null = null
  #decodedBytes = 0
  #isGivenUp = false
  #sawContent = false

  constructor(reader: UsageReader, resources: CreatedResourceReader | null, encoding: string) {
    this.#reader = reader
    this.#resources = resources
    if (isPlain(encoding)) return
    this.#decoder = createDecoder(encoding)
    this.#isGivenUp = this.#decoder === null
    this.#decoder?.on('data', (chunk: Buffer) => this.#read(chunk))
    this.#decoder?.on('error', () => this.#giveUp())
    this.#decoder?.on('end', () => this.#finish())
  }

  get usage(): TokenUsage {
    return this.#reader.usage() ?? unknown
  }

  /** Answers true once: with the first chunk that holds generated content. `behind`: as UpstreamReceiver.onData. */
  push(chunk: Uint8Array, behind: number): boolean {
    if (this.#isGivenUp) return false
    if (this.#decoder === null) {
      this.#reader.push(chunk, behind)
      this.#resources?.push(chunk)
    } else {
      // Decoded later, when the bytes of this call may be overwritten.
      this.#decoder.write(Buffer.from(chunk))
      if (this.#decoder.writableLength > maxBacklogBytes) this.#giveUp()
    }
    if (this.#sawContent || !this.#reader.hasContent()) return false
    this.#sawContent = true
    return true
  }

  /** At once when nothing is being decoded. */
  end(listener: UsageListener): void {
    if (this.#decoder === null || this.#isGivenUp) return listener.onUsageRead()
    this.#listener = listener
    this.#decoder.end()
  }

  #read(chunk: Buffer): void {
    this.#decodedBytes += chunk.length
    if (this.#decodedBytes > maxDecodedBytes) this.#giveUp()
    else {
      this.#reader.push(chunk, 0)
      this.#resources?.push(chunk)
    }
  }

  #giveUp(): void {
    if (this.#isGivenUp) return
    this.#isGivenUp = true
    this.#decoder?.destroy()
    this.#finish()
  }

  #finish(): void {
    const listener = this.#listener
    this.#listener = null
    listener?.onUsageRead()
  }
}
