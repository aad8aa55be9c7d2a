import { createRequire } from 'node:module'

/**
 * llhttp in strict mode, as undici ships it (WebAssembly), for comparison: what does the parser that Node itself trusts read in
 * the same bytes? Not used outside tests and benchmarks.
 */
const require = createRequire(import.meta.url)
const { ERROR, METHODS, TYPE } = require('undici/lib/llhttp/constants.js') as {
  ERROR: Record<string, number>
  METHODS: Record<string, number>
  TYPE: { REQUEST: number; RESPONSE: number }
}
const methodNames = new Map(Object.entries(METHODS).map(([name, number]) => [number, name]))

export type Message = {
  isAccepted: boolean
  error: string
  method: string
  target: string
  status: number
  version: string
  /** Pairs as latin1; trailers are told apart by `headerCount`. */
  fields: string[]
  headerCount: number
  body: string
  isKeepAlive: boolean
  isUpgrade: boolean
  isComplete: boolean
  /** Bytes up to the end of the message. */
  consumed: number
}

type Functions = Record<string, (...numbers: number[]) => number>
type Exports = Functions & { memory: { buffer: ArrayBuffer } }

/** Not among Node's types. */
const { WebAssembly } = globalThis as unknown as {
  WebAssembly: {
    Module: new (code: Uint8Array) => object
    Instance: new (module: object, imports: { env: Functions }) => { exports: Exports }
  }
}

export class LlhttpOracle {
  readonly #exports: Exports
  readonly #pointer: number
  readonly #input: number
  readonly #capacity: number
  #hasNoBody = false
  #isValue = false
  #message = createMessage()

  constructor(type: keyof typeof TYPE, capacity = 262_144) {
    const module = new WebAssembly.Module(require('undici/lib/llhttp/llhttp-wasm.js') as Uint8Array)
    const instance = new WebAssembly.Instance(module, { env: this.#callbacks() })
    this.#exports = instance.exports
    this.#pointer = this.#exports.llhttp_alloc!(TYPE[type])
    this.#capacity = capacity
    this.#input = this.#exports.malloc!(capacity)
  }

  /** One message, read from the start of `bytes` up to its end. */
  read(bytes: Uint8Array, hasNoBody = false): Message {
    if (bytes.length > this.#capacity) throw new RangeError('larger than the oracle holds')
    const { memory } = this.#exports
    this.#message = createMessage()
    this.#hasNoBody = hasNoBody
    this.#isValue = true
    this.#exports.llhttp_reset!(this.#pointer)
    new Uint8Array(memory.buffer).set(bytes, this.#input)
    const errno = this.#exports.llhttp_execute!(this.#pointer, this.#input, bytes.length)
    const message = this.#message
    message.isAccepted = errno === ERROR.OK || errno === ERROR.PAUSED || errno === ERROR.PAUSED_UPGRADE
    message.error = Object.keys(ERROR).find((name) => ERROR[name] === errno) ?? ''
    message.consumed = errno === 0 ? bytes.length : this.#exports.llhttp_get_error_pos!(this.#pointer) - this.#input
    return message
  }

  #text(at: number, length: number): string {
    return Buffer.from(this.#exports.memory.buffer, at, length).toString('latin1')
  }

  #callbacks(): Functions {
    return {
      wasm_on_message_begin: () => 0,
      wasm_on_url: (_pointer, at, length) => this.#keep(() => (this.#message.target += this.#text(at!, length!))),
      wasm_on_status: () => 0,
      wasm_on_header_field: (_pointer, at, length) => this.#keep(() => this.#addName(this.#text(at!, length!))),
      wasm_on_header_value: (_pointer, at, length) => this.#keep(() => this.#addValue(this.#text(at!, length!))),
      wasm_on_headers_complete: (_pointer, status, upgrade, keepAlive) =>
        this.#onHead(status!, Boolean(upgrade), Boolean(keepAlive)),
      wasm_on_body: (_pointer, at, length) => this.#keep(() => (this.#message.body += this.#text(at!, length!))),
      wasm_on_message_complete: () => {
        this.#message.isComplete = true
        return ERROR.PAUSED!
      },
    }
  }

  #keep(step: () => void): number {
    step()
    return 0
  }

  #addName(text: string): void {
    const { fields } = this.#message
    if (this.#isValue) fields.push(text, '')
    else fields[fields.length - 2] += text
    this.#isValue = false
  }

  #addValue(text: string): void {
    const { fields } = this.#message
    fields[fields.length - 1] += text
    this.#isValue = true
  }

  #onHead(status: number, isUpgrade: boolean, isKeepAlive: boolean): number {
    const message = this.#message
    message.status = status
    message.method = methodNames.get(this.#exports.llhttp_get_method!(this.#pointer)) ?? ''
    message.version = `${this.#exports.llhttp_get_http_major!(this.#pointer)}.${this.#exports.llhttp_get_http_minor!(this.#pointer)}`
    message.headerCount = message.fields.length / 2
    message.isUpgrade = isUpgrade
    message.isKeepAlive = isKeepAlive
    return this.#hasNoBody ? 1 : 0
  }
}

function createMessage(): Message {
  return {
    isAccepted: false,
    error: '',
    method: '',
    target: '',
    status: 0,
    version: '',
    fields: [],
    headerCount: 0,
    body: '',
    isKeepAlive: false,
    isUpgrade: false,
    isComplete: false,
    consumed: 0,
  }
}
