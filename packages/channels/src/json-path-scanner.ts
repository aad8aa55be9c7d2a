import {
  backslash,
  closeArray,
  closeObject,
  colon,
  comma,
  isBlank,
  joinBytes,
  openArray,
  openObject,
  parseJsonBytes,
  quote,
} from './json-bytes.ts'

/**
 * Finds the values at a few paths of a JSON text that arrives in pieces, without parsing it: whatever is not on a path is
 * skipped, long strings by a native search for their closing quote. Memory is one captured value at a time, bounded by
 * its `maxBytes`. A root array counts as a sequence of roots (Gemini streams are one), as do roots one after another.
 *
 * It trusts the text to be JSON: of malformed text it may find anything, but it never throws and never grows.
 */
export type JsonCapture = {
  path: readonly string[]
  /** A longer value is reported without its bytes. 0 = only where it begins matters; reported at its first byte. */
  maxBytes: number
}
export interface JsonScanListener {
  /** `bytes` is null when the value was longer than its bound; offsets count from the first byte ever pushed. */
  onValue(capture: number, bytes: Uint8Array | null, start: number, end: number): void
  onRootEnd?(): void
}
export type RootKind = 'none' | 'object' | 'array' | 'other'

/** Compiled once per set of captures; shared by any number of scanners. */
export type JsonPaths = PathNode
type PathNode = {
  name: Uint8Array
  nameText: string
  children: PathNode[]
  /** By the bytes of their names: nearly every name is told from the wanted ones by its length. */
  childrenByLength: PathNode[][]
  capture: number
  maxBytes: number
}

/** Names on paths are short; every character may be written as a six-byte escape. */
const maxNameBytes = 512

/** How far a string is read byte by byte before a native search pays for its call. */
const nearBytes = 32

/** What counts within a value that is passed whole: 1 for quotes and brackets. */
const isStructural = new Uint8Array(256)
for (const byte of [quote, openObject, closeObject, openArray, closeArray]) isStructural[byte] = 1

const atRoot = 0
const atName = 1
const atColon = 2
const atValue = 3
const afterValue = 4

export class JsonPathScanner {
  readonly #root: PathNode
  readonly #listener: JsonScanListener
  /** Open objects that lie on a path; `#level` of them. */
  readonly #nodes: PathNode[] = []
  #level = 0
  /** Node that the name just read leads to; null = not on a path. */
  #target: PathNode | null = null
  #expects = atRoot
  #rootKind: RootKind = 'none'
  /** Open containers inside a value that is skipped or captured as a whole. */
  #depth = 0
  #inString = false
  #isName = false
  #isEscaped = false
  #inScalar = false
  /** Collected bytes of the name or the captured value; `#segment` is where they begin in the present chunk, -1 = none. */
  #segment = -1
  #parts: Uint8Array[] = []
  #partBytes = 0
  #maxBytes = 0
  #valueStart = 0
  #consumed = 0

  constructor(paths: JsonPaths, listener: JsonScanListener) {
    this.#root = paths
    this.#listener = listener
  }

  get rootKind(): RootKind {
    return this.#rootKind
  }

  push(chunk: Uint8Array): void {
    let at = 0
    while (at < chunk.length) {
      if (this.#inString) at = this.#passString(chunk, at)
      else if (this.#depth > 0) at = this.#passContainer(chunk, at)
      else if (this.#inScalar) at = this.#passScalar(chunk, at)
      else at = this.#passStructure(chunk, at)
    }
    if (this.#segment >= 0) this.#keepSegment(chunk, chunk.length)
    this.#consumed += chunk.length
  }

  #passStructure(chunk: Uint8Array, from: number): number {
    let at = from
    while (at < chunk.length) {
      const byte = chunk[at]!
      if (isBlank(byte)) at++
      else if (this.#expects === atName) {
        const end = byte === quote ? nearQuote(chunk, at + 1) : -1
        if (end === -1) return this.#startName(byte, at)
        this.#target = this.#findPlain(chunk, at + 1, end)
        this.#expects = atColon
        at = end + 1
      } else if (this.#expects === atValue) at = this.#passValue(chunk, byte, at)
      else if (this.#expects === atColon) {
        if (byte === colon) this.#expects = atValue
        at++
      } else if (this.#expects === afterValue) {
        at++
        if (byte === comma) this.#expects = atName
        else if (byte === closeObject) this.#leaveObject()
      } else return this.#startRoot(byte, at)
    }
    return at
  }

  #startRoot(byte: number, at: number): number {
    if (byte === openObject) {
      if (this.#rootKind !== 'array') this.#rootKind = 'object'
      this.#level = 1
      this.#nodes[0] = this.#root
      this.#expects = atName
    } else if (byte === openArray && this.#rootKind === 'none') this.#rootKind = 'array'
    else if (byte === openArray) this.#depth = 1
    else if (byte === quote) this.#inString = true
    else if (this.#rootKind === 'none' && byte < 0x80) this.#rootKind = 'other'
    if (this.#rootKind === 'none' && this.#inString) this.#rootKind = 'other'
    return at + 1
  }

  #startName(byte: number, at: number): number {
    if (byte === quote) {
      this.#inString = true
      this.#isName = true
      this.#collect(at + 1, maxNameBytes)
    } else if (byte === closeObject) this.#leaveObject()
    return at + 1
  }

  /** To behind the value, or into the object that lies on a path, or to the end of the chunk. */
  #passValue(chunk: Uint8Array, byte: number, at: number): number {
    const target = this.#target
    this.#expects = afterValue
    if (target !== null && byte === openObject && target.capture === -1) {
      this.#nodes[this.#level++] = target
      this.#expects = atName
      return at + 1
    }
    const isCaptured = target !== null && target.capture !== -1
    if (isCaptured) this.#startCapture(target, at)
    if (byte === openObject || byte === openArray) {
      this.#depth = 1
      return this.#passContainer(chunk, at + 1)
    }
    if (byte === quote) {
      this.#inString = true
      return this.#passString(chunk, at + 1)
    }
    this.#inScalar = true
    return this.#passScalar(chunk, at)
  }

  #startCapture(target: PathNode, at: number): void {
    this.#valueStart = this.#consumed + at
    if (target.maxBytes > 0) return this.#collect(at, target.maxBytes)
    this.#target = null
    this.#listener.onValue(target.capture, null, this.#valueStart, this.#valueStart)
  }

  /** To behind the closing quote, or to the end of the chunk. */
  #passString(chunk: Uint8Array, from: number): number {
    const end = quoteBehind(chunk, this.#isEscaped ? from + 1 : from)
    this.#isEscaped = end > chunk.length
    if (end >= chunk.length) return chunk.length
    this.#inString = false
    if (this.#isName) {
      this.#isName = false
      this.#target = this.#findTarget(this.#takeCollected(chunk, end))
      this.#expects = atColon
    } else if (this.#depth === 0) this.#endValue(chunk, end + 1)
    return end + 1
  }

  /** Compared where it lies: most names of most texts come here. */
  #findPlain(chunk: Uint8Array, from: number, end: number): PathNode | null {
    const candidates = this.#nodes[this.#level - 1]?.childrenByLength[end - from]
    if (candidates === undefined) return null
    for (const candidate of candidates) if (isAt(chunk, from, candidate.name)) return candidate
    return null
  }

  #findTarget(name: Uint8Array | null): PathNode | null {
    const node = this.#nodes[this.#level - 1]
    if (name === null || node === undefined) return null
    if (!name.includes(backslash))
      return node.childrenByLength[name.length]?.find((child) => isAt(name, 0, child.name)) ?? null
    const text = parseJsonBytes(joinBytes([quoteBytes, name, quoteBytes]))
    return node.children.find((child) => child.nameText === text) ?? null
  }

  /** To behind the bracket that ends it, or to the end of the chunk. */
  #passContainer(chunk: Uint8Array, from: number): number {
    const { length } = chunk
    let depth = this.#depth
    let at = from
    for (; at < length; at++) {
      const byte = chunk[at]!
      if (isStructural[byte] === 0) continue
      if (byte === quote) {
        at = quoteBehind(chunk, at + 1)
        if (at < length) continue
        this.#inString = true
        this.#isEscaped = at > length
        break
      }
      depth += byte === openObject || byte === openArray ? 1 : -1
      if (depth > 0) continue
      this.#depth = 0
      this.#endValue(chunk, at + 1)
      return at + 1
    }
    this.#depth = depth
    return length
  }

  /** Stops before the byte that ends a number or a literal. */
  #passScalar(chunk: Uint8Array, from: number): number {
    for (let at = from; at < chunk.length; at++) {
      const byte = chunk[at]
      if (byte !== comma && byte !== closeObject && byte !== closeArray && !isBlank(byte)) continue
      this.#inScalar = false
      this.#endValue(chunk, at)
      return at
    }
    return chunk.length
  }

  #endValue(chunk: Uint8Array, end: number): void {
    const target = this.#target
    this.#target = null
    if (target === null || target.capture === -1 || this.#segment < 0) return
    this.#listener.onValue(target.capture, this.#takeCollected(chunk, end), this.#valueStart, this.#consumed + end)
  }

  #leaveObject(): void {
    this.#level--
    this.#target = null
    this.#expects = this.#level > 0 ? afterValue : atRoot
    if (this.#level === 0) this.#listener.onRootEnd?.()
  }

  #collect(from: number, maxBytes: number): void {
    this.#segment = from
    this.#parts = []
    this.#partBytes = 0
    this.#maxBytes = maxBytes
  }

  /** Copies, since the chunk belongs to the caller; past the bound only the count goes on. */
  #keepSegment(chunk: Uint8Array, end: number): void {
    this.#partBytes += end - this.#segment
    // Not `slice`, which is a view in a Buffer.
    if (this.#partBytes <= this.#maxBytes) this.#parts.push(Buffer.from(chunk.subarray(this.#segment, end)))
    else this.#parts = []
    this.#segment = 0
  }

  #takeCollected(chunk: Uint8Array, end: number): Uint8Array | null {
    const from = this.#segment
    this.#segment = -1
    if (this.#partBytes + end - from > this.#maxBytes) return null
    const last = chunk.subarray(from, end)
    return this.#parts.length === 0 ? last : joinBytes([...this.#parts, last])
  }
}

const quoteBytes = Uint8Array.of(quote)

/** Where a string without escapes ends, if it is a short one; -1 = not so. */
function nearQuote(chunk: Uint8Array, from: number): number {
  const near = Math.min(from + nearBytes, chunk.length)
  for (let at = from; at < near; at++) {
    const byte = chunk[at]
    if (byte === quote) return at
    if (byte === backslash) return -1
  }
  return -1
}

/** The quote that ends the string; the length of the chunk = not in it, one more = it ends in the middle of an escape. */
function quoteBehind(chunk: Uint8Array, from: number): number {
  const { length } = chunk
  let at = from
  while (at < length) {
    const near = Math.min(at + nearBytes, length)
    while (at < near) {
      const byte = chunk[at]
      if (byte === quote) return at
      at += byte === backslash ? 2 : 1
    }
    if (at < length) at = jumpToQuote(chunk, at)
  }
  return at
}

/** To the next quote, or to the escape before it, or to the end; a backslash at the end is left to be seen. */
function jumpToQuote(chunk: Uint8Array, from: number): number {
  const found = chunk.indexOf(quote, from)
  const end = found === -1 ? chunk.length : found
  let run = 0
  while (end - run > from && chunk[end - run - 1] === backslash) run++
  return run % 2 === 1 ? end - 1 : end
}

function isAt(bytes: Uint8Array, from: number, wanted: Uint8Array): boolean {
  for (let index = 0; index < wanted.length; index++) if (bytes[from + index] !== wanted[index]) return false
  return true
}

export function compileJsonPaths(captures: readonly JsonCapture[]): JsonPaths {
  const root = createNode('')
  for (const [index, { path, maxBytes }] of captures.entries()) {
    let node = root
    for (const name of path) {
      let next = node.children.find((child) => child.nameText === name)
      if (next === undefined) addChild(node, (next = createNode(name)))
      node = next
    }
    node.capture = index
    node.maxBytes = maxBytes
  }
  return root
}

function createNode(name: string): PathNode {
  const bytes = new TextEncoder().encode(name)
  return { name: bytes, nameText: name, children: [], childrenByLength: [], capture: -1, maxBytes: 0 }
}

function addChild(node: PathNode, child: PathNode): void {
  node.children.push(child)
  const { length } = child.name
  // No holes: the array stays packed.
  while (node.childrenByLength.length <= length) node.childrenByLength.push([])
  node.childrenByLength[length]!.push(child)
}
