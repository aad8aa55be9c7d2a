import type { LogBatchIdentity } from '@gpt-load/contracts/log-event'
import type { SqlValue } from '@gpt-load/database/sql-client/sql-client'
import type { Upsert } from '@gpt-load/database/sql-client/sql-statements'

/** What became of each source's records, summed up per transaction: with it the invariant costs no look at batches. */
export const sourceAccount: Upsert = {
  table: 'log_sources',
  columns: ['source', 'edge', 'last_sequence', 'committed', 'sampled_out', 'dead_lettered', 'last_committed_at'],
  key: ['source'],
  add: ['committed', 'sampled_out', 'dead_lettered'],
  max: ['last_sequence', 'last_committed_at'],
}

export type AccountChange = { committed: number; sampledOut: number; deadLettered: number }

export function createSourceAccounts(nowMs: number) {
  const sums = new Map<string, AccountChange & { edge: string; lastSequence: number }>()
  return {
    add({ source, edge, firstSequence, count }: LogBatchIdentity, change: AccountChange): void {
      const sum = sums.get(source) ?? { edge, lastSequence: 0, committed: 0, sampledOut: 0, deadLettered: 0 }
      sum.lastSequence = Math.max(sum.lastSequence, firstSequence + count - 1)
      sum.committed += change.committed
      sum.sampledOut += change.sampledOut
      sum.deadLettered += change.deadLettered
      sums.set(source, sum)
    },
    /** In the order of their keys: transactions that meet lock them in the same order. */
    rows: (): SqlValue[][] =>
      [...sums]
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .map(([source, sum]) => [
          source,
          sum.edge,
          sum.lastSequence,
          sum.committed,
          sum.sampledOut,
          sum.deadLettered,
          nowMs,
        ]),
  }
}
