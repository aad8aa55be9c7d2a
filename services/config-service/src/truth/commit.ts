import { bulkInsert, quoteName } from '@gpt-load/database/bulk-insert'
import type { DatabaseHandle, WriteTransaction } from '@gpt-load/database/database-handle'
import { placeholders, type SqlRunner } from '@gpt-load/database/sql-runner'
import type { Clock } from '@gpt-load/service-kit/clock'
import { readTouchedPolicies, recordPolicies } from '../policy/policy-history.ts'
import { addAll, createChangeSet, isEmptyChange, rangesOf, type ChangeSet } from './change-set.ts'
import type { ChangeTransaction, StampedTable } from './change-transaction.ts'

/**
 * Every change that edges must see goes through here: one transaction, one revision. The counter row is raised at the end,
 * so its lock makes commit order equal revision order and is held for a moment only; change log, stamps and audit rows
 * follow it in the same transaction. A transaction that touched nothing has no revision.
 */
export type CommitContext = {
  store: Pick<DatabaseHandle, 'write'>
  clock: Pick<Clock, 'nowMs'>
  truth: { noticeCommit(revision: number): void }
  actor: { name: string }
  requestId: string
  /** Runs in the transaction, once it is known that something is written; what it throws rolls the change back. */
  inCommit?: (sql: SqlRunner) => Promise<void>
}

export type Committed<T> = {
  result: T
  /** Null when nothing was touched. */
  revision: number | null
}

const maxAuditDetailBytes = 8_192
const stampsPerStatement = 500

/** `work` may run more than once (deadlock): it does database work only and keeps nothing between runs. */
export async function commitChange<T>(
  { ctx }: { ctx: CommitContext },
  work: (transaction: ChangeTransaction) => Promise<T>,
): Promise<Committed<T>> {
  const committed = await ctx.store.write(async (transaction) => {
    const changes = createChangeSet()
    const last: ((revision: number) => Promise<void>)[] = []
    const nowMs = ctx.clock.nowMs()
    const result = await work(openTransaction(transaction, changes, last, nowMs))
    const revision = await finish(transaction.sql, changes, ctx, nowMs, last)
    return { result, revision }
  })
  if (committed.revision !== null) ctx.truth.noticeCommit(committed.revision)
  return committed
}

function openTransaction(
  { database, sql }: WriteTransaction,
  changes: ChangeSet,
  last: ((revision: number) => Promise<void>)[],
  nowMs: number,
): ChangeTransaction {
  return {
    database,
    sql,
    nowMs,
    touch: (kind, ids) => addAll(changes.touched, kind, ids),
    touchRange: (kind, from, to) => void changes.ranges.push({ kind, from, to }),
    stamp: (table, ids) => addAll(changes.stamps, table, ids),
    audit: (entry) => void changes.audit.push(entry),
    atEnd: (work) => void last.push(work),
  }
}

async function finish(
  sql: SqlRunner,
  changes: ChangeSet,
  ctx: CommitContext,
  nowMs: number,
  last: ((revision: number) => Promise<void>)[],
): Promise<number | null> {
  const isChanged = !isEmptyChange(changes)
  if (!isChanged && changes.audit.length === 0 && last.length === 0) return null
  await ctx.inCommit?.(sql)
  const policies = await readTouchedPolicies(sql, changes.touched)
  if (isChanged) await sql.execute('UPDATE revision_counter SET value = value + 1 WHERE id = 1')
  const revision = await readRevision(sql)
  if (isChanged) {
    await writeChangeLog(sql, changes, revision, nowMs)
    for (const [table, ids] of changes.stamps) await stampRows(sql, table, [...ids], revision)
    await recordPolicies(sql, policies, revision, nowMs)
  }
  await writeAudit(sql, changes, ctx, revision, nowMs)
  for (const work of last) await work(revision)
  return isChanged ? revision : null
}

async function readRevision(sql: SqlRunner): Promise<number> {
  const [row] = await sql.query<{ value: number }>('SELECT value FROM revision_counter WHERE id = 1')
  if (row === undefined) throw new Error('the revision counter is missing: the schema is incomplete')
  return row.value
}

async function writeChangeLog(sql: SqlRunner, changes: ChangeSet, revision: number, nowMs: number): Promise<void> {
  await bulkInsert(sql, {
    table: 'change_log',
    columns: ['revision', 'ordinal', 'kind', 'id_from', 'id_to', 'created_at'],
    rows: rangesOf(changes).map(({ kind, from, to }, ordinal) => [revision, ordinal, kind, from, to, nowMs]),
  })
}

async function stampRows(
  sql: SqlRunner,
  table: StampedTable,
  ids: readonly (number | string)[],
  revision: number,
): Promise<void> {
  const column = table === 'settings' ? 'name' : 'id'
  for (let start = 0; start < ids.length; start += stampsPerStatement) {
    const some = ids.slice(start, start + stampsPerStatement)
    await sql.execute(
      `UPDATE ${quoteName(sql, table)} SET revision = ? WHERE ${column} IN (${placeholders(some.length)})`,
      [revision, ...some],
    )
  }
}

async function writeAudit(
  sql: SqlRunner,
  changes: ChangeSet,
  ctx: CommitContext,
  revision: number,
  nowMs: number,
): Promise<void> {
  await bulkInsert(sql, {
    table: 'audit_log',
    columns: ['revision', 'at', 'actor', 'action', 'entity', 'entity_id', 'detail', 'request_id'],
    rows: changes.audit.map(({ action, entity, entityId, detail }) => [
      revision,
      nowMs,
      ctx.actor.name.slice(0, 100),
      action,
      entity,
      String(entityId).slice(0, 64),
      auditDetail(detail),
      ctx.requestId.slice(0, 64),
    ]),
  })
}

/** Cut details stay JSON: whoever reads the audit log parses it. */
function auditDetail(detail: unknown): string {
  if (detail === undefined) return '{}'
  const text = JSON.stringify(detail)
  if (Buffer.byteLength(text) <= maxAuditDetailBytes) return text
  return JSON.stringify({ cut: text.slice(0, maxAuditDetailBytes / 4) })
}
