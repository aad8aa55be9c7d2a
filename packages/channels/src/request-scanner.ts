import { parseJsonBytes } from './json-bytes.ts'
import { compileJsonPaths, JsonPathScanner, type JsonScanListener } from './json-path-scanner.ts'
import { TextMemo } from './text-memo.ts'

/**
 * Reads the few top-level members of a request body that routing needs, while the body streams by in pieces and without
 * parsing it. Of duplicate names the last wins, as in JSON.parse: so nothing is certain before the object closes, and
 * `isDone` says when it is. It changes nothing; json-patch does, with the offsets found here or on its own.
 */
export type ByteSpan = { start: number; end: number }

/** Longer than any model name that a provider knows, each character written as an escape. */
const maxTextBytes = 4_096
const paths = compileJsonPaths([
  { path: ['model'], maxBytes: maxTextBytes },
  { path: ['stream'], maxBytes: 16 },
  // What an earlier call has made: stored responses, files of a batch or a tuning, Gemini's cached contents.
  ...[
    'previous_response_id',
    'conversation',
    'input_file_id',
    'training_file',
    'file_id',
    'assistant_id',
    'cachedContent',
    'cached_content',
  ].map((name) => ({ path: [name], maxBytes: maxTextBytes })),
  { path: ['prompt_cache_key'], maxBytes: maxTextBytes },
  { path: ['metadata', 'user_id'], maxBytes: maxTextBytes },
  // Where the prompt begins.
  ...[
    'system',
    'instructions',
    'messages',
    'input',
    'systemInstruction',
    'system_instruction',
    'contents',
    'prompt',
  ].map((name) => ({ path: [name], maxBytes: 0 })),
])
const firstSession = 10
const firstPrompt = 12

const models = new TextMemo()

export class RequestScanner implements JsonScanListener {
  readonly #scanner: JsonPathScanner
  readonly #maxBytes: number
  #scannedBytes = 0
  #isClosed = false
  #isCut = false
  #model = ''
  #modelSpan: ByteSpan | null = null
  #stream = false
  #referencedId = ''
  #sessionId = ''
  #promptStart = -1

  /** Past `maxBytes` the scanner stops looking: `isCut` turns true, what was found stays. */
  constructor({ maxBytes }: { maxBytes: number }) {
    this.#maxBytes = maxBytes
    this.#scanner = new JsonPathScanner(paths, this)
  }

  push(chunk: Uint8Array): void {
    if (this.isDone) return
    const left = this.#maxBytes - this.#scannedBytes
    const seen = chunk.length > left ? chunk.subarray(0, left) : chunk
    this.#scanner.push(seen)
    this.#scannedBytes += seen.length
    this.#isCut = seen.length < chunk.length && !this.isDone
  }

  /** Nothing that follows can change the answer: the object closed, the body is no object, or the bound is reached. */
  get isDone(): boolean {
    return this.#isClosed || this.#isCut || this.#scanner.rootKind === 'array' || this.#scanner.rootKind === 'other'
  }

  get isCut(): boolean {
    return this.#isCut
  }

  get isObject(): boolean {
    return this.#scanner.rootKind === 'object'
  }

  /** Top-level `model`; '' = none, not a string, or absurdly long. */
  get model(): string {
    return this.#model
  }

  /** Bytes of the value of the `model` that counts, quotes included; null = none. */
  get modelSpan(): ByteSpan | null {
    return this.#modelSpan
  }

  get stream(): boolean {
    return this.#stream
  }

  /** For paths that stick to one key; '' = none. */
  get referencedId(): string {
    return this.#referencedId
  }

  /** What the caller names its conversation or end user by (`prompt_cache_key`, `metadata.user_id`); '' = nothing. */
  get sessionId(): string {
    return this.#sessionId
  }

  /** Offset of the first byte of the prompt; -1 = not seen. */
  get promptStart(): number {
    return this.#promptStart
  }

  onRootEnd(): void {
    this.#isClosed = true
  }

  onValue(capture: number, bytes: Uint8Array | null, start: number, end: number): void {
    // Only a root object is asked, not those inside an array, nor what follows it: that is not JSON any more.
    if (this.#isClosed || !this.isObject) return
    if (capture >= firstPrompt) this.#promptStart = this.#promptStart === -1 ? start : this.#promptStart
    else if (capture === 1) this.#stream = bytes !== null && isTrue(bytes)
    else if (capture >= 2) {
      const value = bytes === null ? undefined : parseJsonBytes(bytes)
      const text = typeof value === 'string' ? value : ''
      if (capture >= firstSession) this.#sessionId = text === '' ? this.#sessionId : text
      else this.#referencedId = text
    } else {
      this.#model = bytes === null ? '' : models.textOf(bytes)
      this.#modelSpan = { start, end }
    }
  }
}

/** `true`, in bytes; the scanner takes literals without the blanks around them. */
function isTrue(bytes: Uint8Array): boolean {
  return bytes.length === 4 && bytes[0] === 0x74 && bytes[1] === 0x72 && bytes[2] === 0x75 && bytes[3] === 0x65
}
