import { maxGroupNumbers } from '../key-table/shared-columns.ts'
import { forgetMinute, type MinuteColumns } from '../sliding-minute.ts'

/**
 * What was taken of limits, in memory that all workers of the edge share: a row per group, by its number in the key table, then
 * one per access key that has limits, by a number of its own (control-plane/policy-distributor.ts).
 *
 * A limit holds over all edges. This edge keeps a share of it, so that no request waits for another edge: an equal one until
 * the control plane has said what the others are asked for (control-plane/caller-shares.ts).
 */
export const maxLimitedAccessKeys = 131_072
const rows = maxGroupNumbers + maxLimitedAccessKeys
const columnNames = [
  'minute',
  'minuteRequests',
  'minuteTokens',
  'requestsBefore',
  'tokensBefore',
  /** Requests that wanted to enter, refused ones too; it runs over. */
  'arrivals',
  /** Of this edge, in millionths; 0 = an equal one. */
  'share',
] as const
const controlWords = 16
const liveEdges = 0
const wholeShare = 1_000_000

/** 5.5 MB of address space; what no limit uses takes no memory. */
export const callerMemoryBytes = (controlWords + columnNames.length * rows) * Int32Array.BYTES_PER_ELEMENT

export class CallerMemory implements MinuteColumns {
  readonly minute: Int32Array
  readonly minuteRequests: Int32Array
  readonly minuteTokens: Int32Array
  readonly requestsBefore: Int32Array
  readonly tokensBefore: Int32Array
  readonly arrivals: Int32Array
  readonly #share: Int32Array
  readonly #control: Int32Array

  constructor(buffer: SharedArrayBuffer) {
    const column = (name: (typeof columnNames)[number]) =>
      new Int32Array(buffer, (controlWords + columnNames.indexOf(name) * rows) * Int32Array.BYTES_PER_ELEMENT, rows)
    this.minute = column('minute')
    this.minuteRequests = column('minuteRequests')
    this.minuteTokens = column('minuteTokens')
    this.requestsBefore = column('requestsBefore')
    this.tokensBefore = column('tokensBefore')
    this.arrivals = column('arrivals')
    this.#share = column('share')
    this.#control = new Int32Array(buffer, 0, controlWords)
  }

  /** This edge's part of a limit: one at least, else an edge among many would serve nobody. */
  partOf(row: number, limit: number): number {
    const share = this.#share[row] as number
    const part = share === 0 ? limit / Math.max(1, this.#control[liveEdges] as number) : (limit * share) / wholeShare
    return Math.max(1, Math.floor(part))
  }

  /** @param part of 1; 0 = an equal one */
  setShare(row: number, part: number): void {
    const share = Math.round(part * wholeShare)
    if (this.#share[row] !== share) this.#share[row] = share
  }

  setLiveEdges(count: number): void {
    this.#control[liveEdges] = count
  }

  /** The row is another's from now on. */
  forget(row: number): void {
    forgetMinute(this, row)
    this.setShare(row, 0)
  }
}

export function groupRow(groupNumber: number): number {
  return groupNumber
}

/** @param limitNumber below `maxLimitedAccessKeys` */
export function accessKeyRow(limitNumber: number): number {
  return maxGroupNumbers + limitNumber
}
