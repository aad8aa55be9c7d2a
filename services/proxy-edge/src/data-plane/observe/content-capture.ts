import type { Settings } from '@gpt-load/contracts/settings'
import { findHeader } from '../headers/raw-headers.ts'
import type { RequestCounters } from './counters.ts'

/**
 * Copies of bodies for the content log, of groups that record them, beside the forwarded bytes. Nothing is awaited, decoded or
 * redacted here; what passes the bounds of a body or of the worker is left out and counted. While no group records, a request
 * costs one look at two settings.
 */
export type CapturedBody = { bytes: Uint8Array<ArrayBuffer>; contentType: string; encoding: string; isCut: boolean }

/** As it leaves the worker: not redacted yet, and for the edge's content thread only. */
export type CapturedContent = {
  requestId: string
  receivedAtMs: number
  groupId: number
  request: CapturedBody | null
  response: CapturedBody | null
  rules: string
  maxBytes: number
  /** Keys and tokens of this very request. */
  secrets: readonly string[]
}

/** Captured beyond what is recorded, so that a secret that the cut would divide is still seen whole. */
export const redactionMarginBytes = 1_024
/** Of all open requests of a worker: 500 of them at the default bounds. */
const maxCapturedBytes = 64 * 1_048_576

export class BodyCapture {
  #contentType = ''
  #encoding = ''
  readonly #budget: ContentCaptures
  readonly #maxBytes: number
  readonly #chunks: Uint8Array[] = []
  #bytes = 0
  #isCut = false
  #isGivenUp = false

  constructor(budget: ContentCaptures, maxBytes: number) {
    this.#budget = budget
    this.#maxBytes = maxBytes
  }

  describe(rawHeaders: readonly string[]): void {
    this.#contentType = findHeader(rawHeaders, 'content-type')
    this.#encoding = findHeader(rawHeaders, 'content-encoding')
  }

  add(chunk: Uint8Array): void {
    if (this.#isGivenUp) return
    const room = this.#maxBytes - this.#bytes
    if (chunk.length > room) this.#isCut = true
    const length = Math.min(chunk.length, room)
    if (length === 0) return
    if (!this.#budget.take(length)) return this.#giveUp()
    // The bytes of this call may be overwritten after it.
    this.#chunks.push(Buffer.from(length === chunk.length ? chunk : chunk.subarray(0, length)))
    this.#bytes += length
  }

  /** Gives back what it holds; null = there is nothing. */
  end(): CapturedBody | null {
    if (this.#bytes === 0) return null
    const bytes = new Uint8Array(this.#bytes)
    let at = 0
    for (const chunk of this.#chunks) {
      bytes.set(chunk, at)
      at += chunk.length
    }
    this.#release()
    return { bytes, contentType: this.#contentType, encoding: this.#encoding, isCut: this.#isCut }
  }

  #giveUp(): void {
    this.#isGivenUp = true
    this.#release()
  }

  #release(): void {
    this.#budget.giveBack(this.#bytes)
    this.#chunks.length = 0
    this.#bytes = 0
  }
}

/** The bodies of one request that are recorded. */
export type ContentCapture = {
  readonly request: BodyCapture | null
  readonly response: BodyCapture | null
  readonly settings: Settings
}

export class ContentCaptures {
  readonly #counters: RequestCounters
  readonly #post: (content: CapturedContent) => void
  #heldBytes = 0

  constructor(counters: RequestCounters, post: (content: CapturedContent) => void) {
    this.#counters = counters
    this.#post = post
  }

  /** Null: the group records nothing. */
  begin(settings: Settings): ContentCapture | null {
    const { enable_request_body_logging: hasRequest, enable_response_body_logging: hasResponse } = settings
    if (!hasRequest && !hasResponse) return null
    const maxBytes = settings.content_log_max_bytes + redactionMarginBytes
    return {
      request: hasRequest ? new BodyCapture(this, maxBytes) : null,
      response: hasResponse ? new BodyCapture(this, maxBytes) : null,
      settings,
    }
  }

  /** `isKept` false: the request leaves no row, so nothing could be found by it. */
  end(
    capture: ContentCapture,
    of: Pick<CapturedContent, 'requestId' | 'receivedAtMs' | 'groupId' | 'secrets'>,
    isKept: boolean,
  ): void {
    const request = capture.request?.end() ?? null
    const response = capture.response?.end() ?? null
    if (!isKept || (request === null && response === null)) return
    const { content_redaction_rules: rules, content_log_max_bytes: maxBytes } = capture.settings
    this.#post({ ...of, request, response, rules, maxBytes })
  }

  take(bytes: number): boolean {
    if (this.#heldBytes + bytes > maxCapturedBytes) {
      this.#counters.add('content_refused', 1)
      return false
    }
    this.#heldBytes += bytes
    return true
  }

  giveBack(bytes: number): void {
    this.#heldBytes -= bytes
  }
}
