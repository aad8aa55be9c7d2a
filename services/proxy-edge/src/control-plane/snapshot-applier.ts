import type { SnapshotRecord } from '@gpt-load/contracts/snapshot'
import type { Clock, Timer } from '@gpt-load/service-kit/clock'
import { collectGarbage } from '@gpt-load/service-kit/collect-garbage'
import type { KeyTableWriter, PutMode } from '../data-plane/key-table/key-table-writer.ts'
import type { PolicyDistributor } from './policy-distributor.ts'

/**
 * Puts snapshot records where they belong: policies to the workers, keys into the shared table. A base is merged in place;
 * what it does not name is removed at its end, so the table is never empty and never there twice.
 */
export interface SnapshotApplier {
  beginBase(isOtherEpoch: boolean): void
  apply(record: SnapshotRecord): void
  endBase(): void
  /** What arrived stays (it was true), nothing is removed. */
  abandonBase(): void
  /** Tells the workers what they have not heard yet. */
  flush(): void
  setClockSkewMs(skewMs: number): void
  readonly clockSkewMs: number
}

/** What a collection costs (tens of milliseconds) is little against what applying so many took. */
const keysWorthACollection = 20_000
const quietMs = 1_000
/** An import takes a minute or longer and shall not leave the garbage of all its keys until then: a few megabytes at most. */
const maxKeysUncollected = 50_000

export function createSnapshotApplier(options: {
  table: Omit<KeyTableWriter, 'table' | 'handles'>
  policies: PolicyDistributor
  clock: Clock
  /** The control plane lives in this thread: its callers would wait for the collections of an import. */
  isBesideControlPlane: boolean
}): SnapshotApplier {
  const { table, policies, clock, isBesideControlPlane } = options
  let mode: PutMode = 'merge'
  let clockSkewMs = 0
  let putSinceCollection = 0
  /** Since the last flush. */
  let hasPut = false
  let collection: Timer | undefined
  const flush = () => policies.flush(clockSkewMs)

  /** A base leaves behind several times what the table keeps of it: it is given back before anyone hears that it is in force. */
  function collect(): void {
    collection?.cancel()
    putSinceCollection = 0
    collectGarbage()
  }

  /** So do the deltas of an import: now and then, and once no more come. */
  function collectAfterDeltas(): void {
    if (!hasPut || putSinceCollection < keysWorthACollection) return
    hasPut = false
    if (putSinceCollection >= maxKeysUncollected && !isBesideControlPlane) return collect()
    collection?.cancel()
    collection = clock.setTimeout(collect, quietMs, { isBackground: true })
  }

  function applyKeys(record: SnapshotRecord): void {
    if (record.t === 'keys') {
      const groupNumber = policies.groupNumberOf(record.group_id)
      // A group that is gone: its keys go with it.
      if (groupNumber >= 0) table.putKeys(groupNumber, record.rows, mode)
      hasPut = true
      putSinceCollection += record.rows.length
    } else if (record.t === 'key_states') table.putStates(record.rows, mode)
    else if (record.t === 'key_models') table.putModels(record.rows, mode)
    else if (record.t === 'removed') table.removeKeys(record.ids)
  }

  return {
    beginBase(isOtherEpoch) {
      mode = isOtherEpoch ? 'replace' : 'merge'
      policies.beginBase()
      table.beginSweep()
    },
    apply(record) {
      if (record.t === 'meta') {
        if (record.pepper !== undefined) policies.setPepper(record.pepper)
      } else if (record.t === 'settings' || record.t === 'group' || record.t === 'access_key') policies.apply(record)
      else if (record.t === 'removed' && record.kind !== 'key') policies.apply(record)
      else {
        // Policies come first: a revocation is in force before the keys of an import are read.
        flush()
        applyKeys(record)
      }
    },
    endBase() {
      table.endSweep()
      policies.endBase()
      mode = 'merge'
      flush()
      collect()
    },
    abandonBase() {
      table.abandonSweep()
      mode = 'merge'
      collect()
    },
    flush() {
      flush()
      collectAfterDeltas()
    },
    setClockSkewMs(skewMs) {
      clockSkewMs = skewMs
      table.setClockSkewMs(skewMs)
    },
    get clockSkewMs() {
      return clockSkewMs
    },
  }
}
