import { parseJsonBytes } from './json-bytes.ts'
import { compileJsonPaths, JsonPathScanner } from './json-path-scanner.ts'

/**
 * Finds the ids of the resources that an answer speaks of, in its first bytes as they pass by: the resource itself (`id`;
 * Gemini: `name`), what it brought forth (files of a batch, of an upload), and the stored response that a stream begins
 * with. Bounded: past `maxBytes` it looks no further.
 */
export const maxScannedBytes = 65_536
/** Ids of providers have at most 64 characters, names of Gemini's files a few more. */
const maxIdBytes = 512

const paths = compileJsonPaths(
  [
    ['id'],
    ['output_file_id'],
    ['error_file_id'],
    ['file', 'id'],
    ['response', 'id'],
    ['name'],
    ['file', 'name'],
    ['response', 'name'],
  ].map((path) => ({ path, maxBytes: maxIdBytes })),
)
const firstName = 5
const openObject = 0x7b

export class CreatedResourceReader {
  readonly #onId: (id: string) => void
  readonly #scanner: JsonPathScanner
  #hasBegun = false
  #isOver = false
  #scannedBytes = 0

  constructor(onId: (id: string) => void) {
    this.#onId = onId
    this.#scanner = new JsonPathScanner(paths, {
      onValue: (capture, bytes) => this.#take(capture, bytes),
      onRootEnd: () => (this.#isOver = true),
    })
  }

  /** Decoded bytes in order. An event stream's first object is that of its first event. */
  push(chunk: Uint8Array): void {
    if (this.#isOver) return
    const from = this.#hasBegun ? 0 : chunk.indexOf(openObject)
    this.#scannedBytes += chunk.length
    if (from !== -1) {
      this.#hasBegun = true
      this.#scanner.push(chunk.subarray(from))
    }
    this.#isOver ||= this.#scannedBytes >= maxScannedBytes
  }

  #take(capture: number, bytes: Uint8Array | null): void {
    if (this.#isOver || bytes === null) return
    const value = parseJsonBytes(bytes)
    if (typeof value !== 'string' || value === '') return
    // `files/abc`: the path names the resource by what follows its family.
    this.#onId(capture >= firstName ? value.slice(value.lastIndexOf('/') + 1) : value)
  }
}
