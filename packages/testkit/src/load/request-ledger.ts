/**
 * What became of each request of a load, in columns: half a million of them take 30 MB, are made before the first one is
 * sent, and cross threads without a copy.
 */
export type LedgerColumns = {
  /** When the answer was whole, epoch ms; 0 = never. */
  atMs: Float64Array<ArrayBuffer>
  /** From the moment it could be sent until then: a wait for a free connection is in it. */
  tookMs: Float32Array<ArrayBuffer>
  /** How long after its due time the load itself came to it. */
  lateMs: Float32Array<ArrayBuffer>
  /** `idBytes` for each, filled up with zeros. */
  ids: Uint8Array<ArrayBuffer>
}

export const idBytes = 32

export function createLedgerColumns(capacity: number): LedgerColumns {
  return {
    atMs: new Float64Array(capacity),
    tookMs: new Float32Array(capacity),
    lateMs: new Float32Array(capacity),
    ids: new Uint8Array(capacity * idBytes),
  }
}

export type LoadFailure = { status: number; detail: string; atMs: number }

export type LedgerResult = {
  sent: number
  /** Whole answers of status 200. */
  ok: number
  failed: number
  /** The first failures. */
  failures: LoadFailure[]
  /** From the first due time to the last. */
  seconds: number
  columns: LedgerColumns
}

/** Epoch ms, ends excluded. */
export type TimeSpan = { fromMs?: number; toMs?: number }

/** The reader of a result. */
export class RequestLedger {
  readonly sent: number
  readonly ok: number
  readonly failed: number
  readonly failures: readonly LoadFailure[]
  /** Requests a second that were sent. */
  readonly perSecond: number
  readonly #columns: LedgerColumns

  constructor({ sent, ok, failed, failures, seconds, columns }: LedgerResult) {
    this.sent = sent
    this.ok = ok
    this.failed = failed
    this.failures = failures
    this.perSecond = sent / seconds
    this.#columns = columns
  }

  /** Ids of what was answered in that time. */
  requestIds(span: TimeSpan = {}): string[] {
    const { ids } = this.#columns
    return Array.from(this.#answeredIn(span), (index) => {
      const slot = Buffer.from(ids.buffer, index * idBytes, idBytes)
      const end = slot.indexOf(0)
      return slot.toString('latin1', 0, end < 0 ? idBytes : end)
    })
  }

  /** Of what was answered in that time, sorted: `tookMs`, or from the due time on. */
  times(span: TimeSpan = {}, from: 'sendable' | 'due' = 'sendable'): Float32Array {
    const { tookMs, lateMs } = this.#columns
    const times = Float32Array.from(this.#answeredIn(span), (index) =>
      from === 'due' ? tookMs[index]! + lateMs[index]! : tookMs[index]!,
    )
    return times.sort()
  }

  *#answeredIn({ fromMs = 0, toMs = Number.POSITIVE_INFINITY }: TimeSpan): Generator<number> {
    const { atMs } = this.#columns
    for (let index = 0; index < this.sent; index += 1) if (atMs[index]! > fromMs && atMs[index]! < toMs) yield index
  }
}
