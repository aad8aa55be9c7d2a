import type { SnapshotRecord } from '@gpt-load/contracts/snapshot'
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

export function createSnapshotApplier(options: {
  table: Omit<KeyTableWriter, 'table' | 'handles'>
  policies: PolicyDistributor
}): SnapshotApplier {
  const { table, policies } = options
  let mode: PutMode = 'merge'
  let clockSkewMs = 0
  const flush = () => policies.flush(clockSkewMs)

  function applyKeys(record: SnapshotRecord): void {
    if (record.t === 'keys') {
      const groupNumber = policies.groupNumberOf(record.group_id)
      // A group that is gone: its keys go with it.
      if (groupNumber >= 0) table.putKeys(groupNumber, record.rows, mode)
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
      collectLater()
    },
    abandonBase() {
      table.abandonSweep()
      mode = 'merge'
      collectLater()
    },
    flush,
    setClockSkewMs(skewMs) {
      clockSkewMs = skewMs
      table.setClockSkewMs(skewMs)
    },
    get clockSkewMs() {
      return clockSkewMs
    },
  }
}

/** A base leaves behind several times what the table keeps of it. */
function collectLater(): void {
  setImmediate(collectGarbage)
}
