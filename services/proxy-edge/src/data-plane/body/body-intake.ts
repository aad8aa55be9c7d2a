import { RequestScanner } from '@gpt-load/channels/request-scanner'
import { decodeBody, isPlain } from './decode-body.ts'
import { type RequestBody, startBytes } from './request-body.ts'

/**
 * Takes in a request body up to the point where an attempt can begin. A body that no rule may rewrite begins to flow when its
 * first bytes are scanned; a JSON object that one may rewrite is waited for whole, within `maxWholeBytes`. Whatever is
 * not a JSON object is never rewritten and never waited for.
 */
export interface IntakeOwner {
  onBodyReady(): void
  onBodyRefused(code: 'PAYLOAD_TOO_LARGE' | 'OVERLOADED' | 'BAD_REQUEST'): void
}

export type IntakeOptions = {
  /** -1 = chunked. */
  contentLength: number
  encoding: string
  isJson: boolean
  mayRewrite: boolean
  maxWholeBytes: number
}

/** `model` may stand behind megabytes of images; further on it is not worth the time. */
const maxScanBytes = 4_194_304

export class BodyIntake {
  readonly scanner: RequestScanner
  readonly #owner: IntakeOwner
  readonly #body: RequestBody
  readonly #options: IntakeOptions
  readonly #isPlain: boolean
  #waitsForWhole: boolean
  /** Not before: the attempt needs more of the body. */
  isReady = false
  isRefused = false
  /** The plain JSON of a compressed body that a rule may rewrite. */
  decoded: Uint8Array | null = null

  constructor(owner: IntakeOwner, body: RequestBody, options: IntakeOptions) {
    this.#owner = owner
    this.#body = body
    this.#options = options
    this.#isPlain = isPlain(options.encoding)
    this.#waitsForWhole = options.mayRewrite && (this.#isPlain || options.isJson)
    this.scanner = new RequestScanner({ maxBytes: this.#waitsForWhole ? options.maxWholeBytes : maxScanBytes })
  }

  begin(): void {
    if (this.#options.contentLength === 0) this.onEnd([])
  }

  onData(chunk: Uint8Array): void {
    if (this.isRefused) return
    this.#body.add(chunk)
    if (this.#isPlain) this.scanner.push(chunk)
    if (this.isReady) return
    if (this.#waitsForWhole && this.#isNoObject()) this.#waitsForWhole = false
    if (this.#waitsForWhole) this.#checkBounds()
    else if (this.#canStart()) this.#ready()
  }

  onEnd(rawTrailers: readonly string[]): void {
    if (this.isRefused) return
    this.#body.complete(rawTrailers)
    if (this.isReady) return
    if (this.#waitsForWhole && !this.#isPlain) this.#decode()
    else this.#ready()
  }

  #isNoObject(): boolean {
    return this.#isPlain && this.scanner.isDone && !this.scanner.isObject
  }

  #canStart(): boolean {
    const { contentLength } = this.#options
    const { bytes, isReplayable } = this.#body
    if (bytes >= startBytes || !isReplayable) return true
    // A small body of known length is worth a few more microseconds: it goes out as one buffer.
    if (contentLength > 0 && contentLength <= startBytes) return false
    return !this.#isPlain || this.#isNoObject()
  }

  #checkBounds(): void {
    const isTooLarge = Math.max(this.#body.bytes, this.#options.contentLength) > this.#options.maxWholeBytes
    if (isTooLarge) this.#refuse('PAYLOAD_TOO_LARGE')
    else if (!this.#body.isReplayable) this.#refuse('OVERLOADED')
  }

  #decode(): void {
    const { encoding, maxWholeBytes } = this.#options
    // A copy: the client may leave while another thread decodes, and the memory of its body is used again, or freed, at once.
    decodeBody(Buffer.from(this.#body.whole()), encoding, maxWholeBytes, (bytes) => {
      if (bytes === null) return this.#refuse('BAD_REQUEST')
      this.decoded = bytes
      this.scanner.push(bytes)
      this.#ready()
    })
  }

  #ready(): void {
    this.isReady = true
    this.#owner.onBodyReady()
  }

  #refuse(code: 'PAYLOAD_TOO_LARGE' | 'OVERLOADED' | 'BAD_REQUEST'): void {
    this.isRefused = true
    this.#owner.onBodyRefused(code)
  }
}
