import { rotationAnnounceMs } from '@gpt-load/contracts/api/encryption'
import { LeaseLost } from '@gpt-load/database/database-errors'
import type { Keyring } from '@gpt-load/database/keyring'
import { assertLease, withLease, type LeaseHold } from '@gpt-load/database/lease'
import type { SqlRunner } from '@gpt-load/database/sql-runner'
import { startPeriodic, type Periodic } from '@gpt-load/service-kit/periodic'
import { setImmediate as turn } from 'node:timers/promises'
import type { Services } from '../services.ts'
import { resealSteps } from './reseal.ts'
import { findRotation, type RotationRow } from './rotation-row.ts'

/**
 * What every replica does about data keys: it learns new ones within seconds, and one of them, under a lease, brings a rotation to
 * its end. announced -> (all replicas know the new data key) -> resealing, a chunk and its progress per transaction -> succeeded. A
 * replica that dies is followed by another one behind the last chunk. The data key that was replaced stays until the next
 * rotation: a process that has not heard of the new one may still seal with it.
 */
const intervalMs = 2_000
const leaseTtlMs = 15_000
const job = 'encryption-rotation'

type RotationServices = Pick<Services, 'store' | 'keyring' | 'clock' | 'logger'>

export function startRotationJob(services: RotationServices): Periodic {
  const { clock, logger } = services
  return startPeriodic({ name: job, intervalMs, clock, logger, run: (signal) => attendToRotation(services, signal) })
}

async function attendToRotation(services: RotationServices, signal: AbortSignal): Promise<void> {
  const { store, keyring } = services
  await keyring.reload()
  const row = await findRotation(store.sql)
  if (row === null || row.state === 'succeeded') return
  await withLease(store, job, { ttlMs: leaseTtlMs }, (lost, lease) =>
    advance(services, lease, AbortSignal.any([signal, lost])),
  )
}

async function advance(services: RotationServices, lease: LeaseHold, signal: AbortSignal): Promise<void> {
  const { store, keyring, clock, logger } = services
  const row = await findRotation(store.sql)
  if (row === null || row.state === 'succeeded') return
  if (row.state === 'announced') {
    if (clock.nowMs() - row.created_at < rotationAnnounceMs) return
    await store.write(({ sql }) => activate(sql, lease, row))
  }
  await keyring.reload()
  try {
    while (!signal.aborted) {
      const isOver = await store.write(({ sql }) => resealChunk(sql, keyring, lease, clock.nowMs()))
      if (isOver)
        return void logger.info({ data_key_id: row.data_key_id }, 'all secrets are sealed with the new data key')
      // On SQLite all of this may run without leaving the thread.
      await turn()
    }
  } catch (error) {
    if (!(error instanceof LeaseLost)) throw error
  }
}

async function activate(sql: SqlRunner, lease: LeaseHold, { id, data_key_id }: RotationRow): Promise<void> {
  await assertLease(sql, lease)
  await sql.execute('UPDATE data_keys SET is_active = (id = ?)', [data_key_id])
  await sql.execute("UPDATE encryption_rotations SET state = 'resealing' WHERE id = ? AND state = 'announced'", [id])
}

/** Answers whether it was the last. */
async function resealChunk(sql: SqlRunner, keyring: Keyring, lease: LeaseHold, nowMs: number): Promise<boolean> {
  await assertLease(sql, lease)
  const row = await findRotation(sql)
  if (row === null || row.state !== 'resealing') return true
  const step = resealSteps[row.step]
  if (step === undefined) return finish(sql, row, nowMs)
  const { resealed, failed, position } = await step(sql, keyring, row.position)
  await sql.execute(
    'UPDATE encryption_rotations SET step = ?, position = ?, resealed = resealed + ?, failed = failed + ? WHERE id = ?',
    [position === null ? row.step + 1 : row.step, position ?? 0, resealed, failed, row.id],
  )
  return false
}

/** From here on ENCRYPTION_KEY alone opens the database. */
async function finish(sql: SqlRunner, row: RotationRow, nowMs: number): Promise<true> {
  await sql.execute('UPDATE data_keys SET wrapped_previous = NULL, derivation_previous = NULL')
  await removeOldKeys(sql, row)
  await sql.execute("UPDATE encryption_rotations SET state = 'succeeded', finished_at = ? WHERE id = ?", [
    nowMs,
    row.id,
  ])
  return true
}

const shortLived = [
  ['idempotency_keys', 'answer'],
  ['task_inputs', 'sealed'],
  ['task_outputs', 'sealed'],
] as const

/** Those before the one that was replaced, unless something is sealed with them yet; damaged values keep all of them. */
async function removeOldKeys(sql: SqlRunner, { data_key_id, failed }: RotationRow): Promise<void> {
  if (failed > 0) return
  const old = await sql.query<{ id: number }>('SELECT id FROM data_keys WHERE id < ? ORDER BY id DESC', [data_key_id])
  for (const { id } of old.slice(1)) {
    const sealedWith = Buffer.alloc(4)
    sealedWith.writeUInt32BE(id)
    const uses = await Promise.all(
      shortLived.map(([table, column]) =>
        sql.query(`SELECT 1 AS used FROM ${table} WHERE SUBSTR(${column}, 2, 4) = ? LIMIT 1`, [sealedWith]),
      ),
    )
    if (uses.every((found) => found.length === 0)) await sql.execute('DELETE FROM data_keys WHERE id = ?', [id])
  }
}
