// The shared memory of the key table: one growable SharedArrayBuffer per column, grown in place by whole segments, so that
// a million keys exist once for all workers and a change never makes a second table. A worker gets the handles when it
// starts and none later: growth is seen through the capacities in the control block, views are then made anew over the same
// memory (views of fixed length; length-tracking ones are 1.7 times slower to read).
// Invariant: memory is only ever added; a number that was valid once can be read for ever, whatever it now means.
// Left out: who may write what and when (key-mutation.ts, key-table-writer.ts).

/** Slots by which the columns grow. */
export const slotsPerSegment = 65_536
/** Most slots; address space is reserved for them, memory is used for what is filled. */
export const maxSlots = 16_777_216
/** Most groups; a number is given once in the life of a process (group-numbers.ts). */
export const maxGroupNumbers = 65_536
export const groupsPerSegment = 256
/** Ring entries and bucket heads: 4 per slot and set at most, rounded up to powers of two. */
const maxRingWords = maxSlots * 8
export const ringWordsPerSegment = 65_536
/** Offsets into the arena count 4-byte words, so 4 GiB stay far below 2^31 of them. */
const maxSecretBytes = 4 * 1024 ** 3
/** Secrets never cross a page; compaction empties whole pages. */
export const secretPageBytes = 65_536
export const secretPagesPerSegment = 16

/** Words of a group's header; the two cursors have cache lines of their own. */
export const headerWords = 64
export const header = {
  lockOwner: 0,
  /** Float64: earliest `until` (server clock) among keys that are out for a time; 0 = none. */
  earliestReturn: 4,
  /** Sum of the hashes of the group's keys (key-health/state-hash), under the group's lock. */
  stateHashHigh: 6,
  stateHashLow: 7,
  keyCount: 8,
  /** Six counters, by index into keyStates. */
  stateCounts: 9,
  modelDeviations: 15,
  activeSet: 16,
  /** Greatest weight among usable keys, as far as weighted picks have met them. */
  maxWeight: 23,
  suspectSet: 24,
  /** Running mean of tokens per request; 0 = unknown. */
  meanTokens: 31,
  activeCursor: 32,
  suspectCursor: 48,
  /** Requests and tokens that its keys have taken on this edge, of groups with rules; they run over. */
  requestsBurnt: 56,
  tokensBurnt: 57,
} as const

/** Words of a set within the header. */
export const setWord = {
  ringOffset: 0,
  ringCapacity: 1,
  length: 2,
  headsOffset: 3,
  /** log2 of the number of buckets; 0 = none. */
  headsBits: 4,
  bitmapOffset: 5,
  /** Odd while the sticky index changes. */
  version: 6,
} as const

/** Control block, Int32 words. */
export const control = {
  slotCapacity: 0,
  groupCapacity: 1,
  ringCapacity: 2,
  secretCapacityWords: 3,
  /** Edge clock minus server clock, ms. */
  clockSkewMs: 4,
  /** Sets that could not be searched to the end within the bound. */
  cutWalks: 5,
  /** Changes given up because a lock could not be had in time. */
  lockTimeouts: 6,
  attentionHead: 7,
  attentionTail: 8,
  /** 1 = the attention queue was full: every key must be looked at. */
  attentionOverflow: 9,
  modelLock: 10,
  modelVersion: 11,
  modelCount: 12,
  modelRefused: 13,
  lockSteals: 14,
  /** Edges that share the caps of a key, this one included. */
  liveEdges: 15,
  /** Entries of the resource map that a newer one displaced. */
  resourcesLost: 16,
  /** Limits of single models that are kept at most. */
  modelMax: 17,
} as const
const controlWords = 64

/** Slots waiting for the main thread; past it the main thread looks at all keys once. */
export const attentionCapacity = 65_536

export type KeyTableHandles = {
  control: SharedArrayBuffer
  headers: SharedArrayBuffer
  rings: SharedArrayBuffer
  attention: SharedArrayBuffer
  models: SharedArrayBuffer
  resources: SharedArrayBuffer
  secrets: SharedArrayBuffer
  columns: Record<ColumnName, SharedArrayBuffer>
}

const columnBytes = {
  keyId: 8,
  until: 8,
  /** groupNumber << 2 | membership; 0 = vacant. One word, so that a reader checks both at once. */
  place: 4,
  generation: 4,
  failures: 4,
  ringPosition: 4,
  /** Next slot of the same bucket (sticky index) + 1; of a vacant slot: next vacant one + 1. */
  next: 4,
  secretOffset: 4,
  /** Odd while the slot changes: readers of more than one column read again. */
  stamp: 4,
  /** What the key carries, for groups with rules (key-load.ts): requests under way, and counts of two clock minutes. */
  inFlight: 4,
  minute: 4,
  minuteRequests: 4,
  minuteTokens: 4,
  requestsBefore: 4,
  tokensBefore: 4,
  /** What the provider says is left (key-quota.ts), until when, for the model of this hash. */
  quotaModel: 4,
  requestsLeft: 4,
  tokensLeft: 4,
  requestsResetAt: 8,
  tokensResetAt: 8,
  secretLength: 2,
  weight: 2,
  state: 1,
} as const
type ColumnName = keyof typeof columnBytes

export function allocateHandles(modelBytes: number, resourceBytes: number): KeyTableHandles {
  const columns = Object.fromEntries(
    Object.entries(columnBytes).map(([name, bytes]) => [name, growable(0, maxSlots * bytes)]),
  ) as Record<ColumnName, SharedArrayBuffer>
  return {
    control: new SharedArrayBuffer(controlWords * 4),
    headers: growable(0, maxGroupNumbers * headerWords * 4),
    rings: growable(0, maxRingWords * 4),
    attention: new SharedArrayBuffer(attentionCapacity * 4),
    models: new SharedArrayBuffer(modelBytes),
    resources: new SharedArrayBuffer(resourceBytes),
    secrets: growable(0, maxSecretBytes),
    columns,
  }
}

function growable(bytes: number, maxByteLength: number): SharedArrayBuffer {
  return new SharedArrayBuffer(bytes, { maxByteLength })
}

/** Typed views of one thread over the shared memory. Fields change on growth: never keep one across calls. */
export class SharedColumns {
  readonly handles: KeyTableHandles
  readonly control: Int32Array
  readonly attention: Int32Array
  slots = 0
  keyId: Float64Array = new Float64Array(0)
  until: Float64Array = new Float64Array(0)
  place: Int32Array = new Int32Array(0)
  generation: Uint32Array = new Uint32Array(0)
  failures: Uint32Array = new Uint32Array(0)
  ringPosition: Int32Array = new Int32Array(0)
  next: Int32Array = new Int32Array(0)
  secretOffset: Int32Array = new Int32Array(0)
  stamp: Int32Array = new Int32Array(0)
  inFlight: Int32Array = new Int32Array(0)
  minute: Int32Array = new Int32Array(0)
  minuteRequests: Int32Array = new Int32Array(0)
  minuteTokens: Int32Array = new Int32Array(0)
  requestsBefore: Int32Array = new Int32Array(0)
  tokensBefore: Int32Array = new Int32Array(0)
  quotaModel: Int32Array = new Int32Array(0)
  requestsLeft: Int32Array = new Int32Array(0)
  tokensLeft: Int32Array = new Int32Array(0)
  requestsResetAt: Float64Array = new Float64Array(0)
  tokensResetAt: Float64Array = new Float64Array(0)
  secretLength: Uint16Array = new Uint16Array(0)
  weight: Uint16Array = new Uint16Array(0)
  state: Uint8Array = new Uint8Array(0)
  headers: Int32Array = new Int32Array(0)
  headers64: Float64Array = new Float64Array(0)
  rings: Int32Array = new Int32Array(0)
  secrets: Buffer<ArrayBufferLike> = Buffer.alloc(0)
  secretWords: Int32Array = new Int32Array(0)

  constructor(handles: KeyTableHandles) {
    this.handles = handles
    this.control = new Int32Array(handles.control)
    this.attention = new Int32Array(handles.attention)
    this.refresh()
  }

  /** Sees what was grown since; cheap when nothing was. */
  refresh(): void {
    const { control: words } = this
    const slots = Atomics.load(words, control.slotCapacity)
    if (slots !== this.slots) this.#viewColumns(slots)
    const headers = Atomics.load(words, control.groupCapacity) * headerWords
    if (headers !== this.headers.length) this.#viewHeaders(headers)
    const rings = Atomics.load(words, control.ringCapacity)
    if (rings !== this.rings.length) this.rings = new Int32Array(this.handles.rings, 0, rings)
    const secretWords = Atomics.load(words, control.secretCapacityWords)
    if (secretWords !== this.secretWords.length) {
      this.secretWords = new Int32Array(this.handles.secrets, 0, secretWords)
      this.secrets = Buffer.from(this.handles.secrets, 0, secretWords * 4)
    }
  }

  /** Makes room for at least `slots` slots. Main thread only, as all growth. */
  growSlots(slots: number): void {
    const wanted = roundUp(slots, slotsPerSegment)
    if (wanted > maxSlots) throw new RangeError(`more than ${maxSlots} keys`)
    for (const [name, bytes] of Object.entries(columnBytes)) {
      this.handles.columns[name as ColumnName].grow(wanted * bytes)
    }
    this.#publish(control.slotCapacity, wanted)
  }

  growGroups(groups: number): void {
    const wanted = Math.min(maxGroupNumbers, roundUp(groups, groupsPerSegment))
    if (groups > maxGroupNumbers) throw new RangeError(`more than ${maxGroupNumbers} group numbers`)
    this.handles.headers.grow(wanted * headerWords * 4)
    this.#publish(control.groupCapacity, wanted)
  }

  growRings(words: number): void {
    const wanted = roundUp(words, ringWordsPerSegment)
    this.handles.rings.grow(wanted * 4)
    this.#publish(control.ringCapacity, wanted)
  }

  growSecrets(pages: number): void {
    const wanted = roundUp(pages, secretPagesPerSegment) * secretPageBytes
    this.handles.secrets.grow(wanted)
    this.#publish(control.secretCapacityWords, wanted / 4)
  }

  #publish(word: number, capacity: number): void {
    Atomics.store(this.control, word, capacity)
    this.refresh()
  }

  #viewColumns(slots: number): void {
    const { columns } = this.handles
    this.keyId = new Float64Array(columns.keyId, 0, slots)
    this.until = new Float64Array(columns.until, 0, slots)
    this.place = new Int32Array(columns.place, 0, slots)
    this.generation = new Uint32Array(columns.generation, 0, slots)
    this.failures = new Uint32Array(columns.failures, 0, slots)
    this.ringPosition = new Int32Array(columns.ringPosition, 0, slots)
    this.next = new Int32Array(columns.next, 0, slots)
    this.secretOffset = new Int32Array(columns.secretOffset, 0, slots)
    this.stamp = new Int32Array(columns.stamp, 0, slots)
    this.inFlight = new Int32Array(columns.inFlight, 0, slots)
    this.minute = new Int32Array(columns.minute, 0, slots)
    this.minuteRequests = new Int32Array(columns.minuteRequests, 0, slots)
    this.minuteTokens = new Int32Array(columns.minuteTokens, 0, slots)
    this.requestsBefore = new Int32Array(columns.requestsBefore, 0, slots)
    this.tokensBefore = new Int32Array(columns.tokensBefore, 0, slots)
    this.quotaModel = new Int32Array(columns.quotaModel, 0, slots)
    this.requestsLeft = new Int32Array(columns.requestsLeft, 0, slots)
    this.tokensLeft = new Int32Array(columns.tokensLeft, 0, slots)
    this.requestsResetAt = new Float64Array(columns.requestsResetAt, 0, slots)
    this.tokensResetAt = new Float64Array(columns.tokensResetAt, 0, slots)
    this.secretLength = new Uint16Array(columns.secretLength, 0, slots)
    this.weight = new Uint16Array(columns.weight, 0, slots)
    this.state = new Uint8Array(columns.state, 0, slots)
    this.slots = slots
  }

  #viewHeaders(words: number): void {
    this.headers = new Int32Array(this.handles.headers, 0, words)
    this.headers64 = new Float64Array(this.handles.headers, 0, words / 2)
  }
}

function roundUp(count: number, step: number): number {
  return Math.ceil(count / step) * step
}
