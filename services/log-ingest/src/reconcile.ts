import type { SqlReader } from '@gpt-load/database/sql-client/sql-client'

/**
 * Reads gaps from the identities of committed batches: sequences of a source are consecutive from 1, so what is missing
 * between two batches (or before the first) was never stored.
 */
export type SourceAccount = {
  source: string
  edge: string
  committed: number
  deadLettered: number
  lastSequence: number
  gaps: readonly { from: number; to: number }[]
}

/** Gaps that are listed per source; more are counted by the caller from `lastSequence - committed`. */
const maxListedGaps = 1_000

export async function readSourceAccounts(
  sql: SqlReader,
  options: { committedAfterMs: number },
): Promise<SourceAccount[]> {
  const rows = await sql.read(
    'SELECT source, edge, first_sequence, event_count, dead_lettered FROM log_batches WHERE committed_at >= ? ORDER BY source, first_sequence',
    [options.committedAfterMs],
  )
  const accounts: (SourceAccount & { gaps: { from: number; to: number }[] })[] = []
  for (const row of rows) {
    const [first, count] = [Number(row['first_sequence']), Number(row['event_count'])]
    let account = accounts.at(-1)
    if (account === undefined || account.source !== row['source']) {
      account = {
        source: String(row['source']),
        edge: String(row['edge']),
        committed: 0,
        deadLettered: 0,
        lastSequence: 0,
        gaps: [],
      }
      accounts.push(account)
    }
    const expected = account.lastSequence + 1
    if (first > expected && account.gaps.length < maxListedGaps) account.gaps.push({ from: expected, to: first - 1 })
    account.committed += count - Number(row['dead_lettered'])
    account.deadLettered += Number(row['dead_lettered'])
    account.lastSequence = Math.max(account.lastSequence, first + count - 1)
  }
  return accounts
}
