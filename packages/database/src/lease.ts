import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { LeaseLost } from './database-errors.ts'
import type { DatabaseHandle } from './database-handle.ts'
import { databaseNowMs, type SqlRunner } from './sql-runner.ts'

/**
 * Work that any replica may do, one at a time: a row `{job, owner, fence, expires_at}`, taken by conditional update on the
 * database's clock, renewed at a third of its life. A holder that stalls past its life loses it to the next one, whose fence
 * is higher; `assertLease` inside each chunk's transaction is what keeps the first from writing after that.
 */
export type LeaseHold = { job: string; owner: string; fence: number }
export type LeaseWork<T> = (signal: AbortSignal, lease: LeaseHold) => Promise<T>
export type LeaseResult<T> = { held: true; result: T } | { held: false }

export const createLeasesTable = {
  mysql:
    'CREATE TABLE IF NOT EXISTS leases (job VARCHAR(100) NOT NULL PRIMARY KEY, owner VARCHAR(100) NOT NULL, fence BIGINT NOT NULL, expires_at BIGINT NOT NULL) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin',
  sqlite:
    'CREATE TABLE IF NOT EXISTS leases (job TEXT NOT NULL PRIMARY KEY, owner TEXT NOT NULL, fence BIGINT NOT NULL, expires_at BIGINT NOT NULL)',
} as const

/** Runs `work` if the lease is free now; otherwise answers `held: false`. The signal aborts when the lease is lost. */
export async function withLease<T>(
  handle: DatabaseHandle,
  job: string,
  { ttlMs }: { ttlMs: number },
  work: LeaseWork<T>,
): Promise<LeaseResult<T>> {
  const lease = await takeLease(handle.sql, job, ttlMs)
  if (lease === null) return { held: false }
  const lost = new AbortController()
  const renewal = keepRenewing(handle.sql, lease, ttlMs, lost)
  try {
    return { held: true, result: await work(lost.signal, lease) }
  } finally {
    await renewal.stop()
    await releaseLease(handle.sql, lease).catch(() => {})
  }
}

/** Like `withLease`, but waits its turn. Rejects when `signal` aborts. */
export async function waitForLease<T>(
  handle: DatabaseHandle,
  job: string,
  { ttlMs, pollMs = 100, signal }: { ttlMs: number; pollMs?: number; signal?: AbortSignal },
  work: LeaseWork<T>,
): Promise<T> {
  for (;;) {
    const outcome = await withLease(handle, job, { ttlMs }, work)
    if (outcome.held) return outcome.result
    await sleep(pollMs, undefined, signal && { signal })
  }
}

/** To be called inside each chunk's transaction: nobody can take the lease over until that transaction ends. */
export async function assertLease(sql: SqlRunner, lease: LeaseHold): Promise<void> {
  const lock = sql.dialect === 'mysql' ? ' LOCK IN SHARE MODE' : ''
  const rows = await sql.query(`SELECT fence FROM leases WHERE job = ? AND owner = ? AND fence = ?${lock}`, [
    lease.job,
    lease.owner,
    lease.fence,
  ])
  if (rows.length === 0) throw new LeaseLost(`another replica took over the job ${lease.job}`)
}

async function takeLease(sql: SqlRunner, job: string, ttlMs: number): Promise<LeaseHold | null> {
  const now = databaseNowMs(sql.dialect)
  const owner = randomUUID()
  const verb = sql.dialect === 'mysql' ? 'INSERT IGNORE' : 'INSERT OR IGNORE'
  const known = await sql.query('SELECT job FROM leases WHERE job = ?', [job])
  if (known.length === 0)
    await sql.execute(`${verb} INTO leases (job, owner, fence, expires_at) VALUES (?, '', 0, 0)`, [job])
  const taken = await sql.execute(
    `UPDATE leases SET owner = ?, fence = fence + 1, expires_at = ${now} + ? WHERE job = ? AND expires_at <= ${now}`,
    [owner, ttlMs, job],
  )
  if (taken === 0) return null
  const [row] = await sql.query<{ fence: number }>('SELECT fence FROM leases WHERE job = ? AND owner = ?', [job, owner])
  return row === undefined ? null : { job, owner, fence: row.fence }
}

/** Still ours and not expired, else 0 rows. */
async function renewLease(sql: SqlRunner, lease: LeaseHold, ttlMs: number): Promise<boolean> {
  const now = databaseNowMs(sql.dialect)
  const renewed = await sql.execute(
    `UPDATE leases SET expires_at = ${now} + ? WHERE job = ? AND owner = ? AND fence = ? AND expires_at > ${now}`,
    [ttlMs, lease.job, lease.owner, lease.fence],
  )
  return renewed > 0
}

async function releaseLease(sql: SqlRunner, lease: LeaseHold): Promise<void> {
  await sql.execute('UPDATE leases SET expires_at = 0 WHERE job = ? AND owner = ? AND fence = ?', [
    lease.job,
    lease.owner,
    lease.fence,
  ])
}

function keepRenewing(sql: SqlRunner, lease: LeaseHold, ttlMs: number, lost: AbortController) {
  const stopped = new AbortController()
  const done = renewUntilStopped()

  async function renewUntilStopped(): Promise<void> {
    // Counted from before the statement: the database may have begun the life earlier than we saw the answer.
    let expiresAtMs = performance.now() + ttlMs
    while (!stopped.signal.aborted && !lost.signal.aborted) {
      await sleep(ttlMs / 3, undefined, { signal: stopped.signal }).catch(() => {})
      if (stopped.signal.aborted) return
      const startedMs = performance.now()
      const renewed = await renewLease(sql, lease, ttlMs).catch(() => null)
      if (renewed === true) expiresAtMs = startedMs + ttlMs
      // A database that is away says nothing about the lease; past its life it may be somebody else's.
      if (renewed === false || performance.now() >= expiresAtMs)
        lost.abort(new LeaseLost(`lost the lease of ${lease.job}`))
    }
  }

  return {
    stop: async () => {
      stopped.abort()
      await done
    },
  }
}
