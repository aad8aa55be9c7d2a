import type { PolicyRevision } from '@gpt-load/contracts/api/rollback'
import { placeholders, type SqlValue } from '@gpt-load/database/sql-runner'
import { z } from 'zod'
import { authorise } from '../authorise.ts'
import { decodeCursor, pageOf } from '../http/cursor.ts'
import { toInstant } from '../instant.ts'
import type { Verb } from '../verb.ts'
import { policyFloor } from './policy-history.ts'

/** Revisions that changed a policy, newest first, as far as one can roll back. */
const cursorSchema = z.tuple([z.number().int()])

type Row = { revision: number; created_at: number }
type AuditRow = { revision: number; actor: string; action: string; entity: string; entity_id: string }

export const listPolicyRevisions: Verb<'listPolicyRevisions'> = async ({ ctx, input }) => {
  authorise(ctx, 'listPolicyRevisions')
  const { sql } = ctx.store
  const { limit, cursor, entity, actor } = input.query
  const before = cursor === undefined ? Number.MAX_SAFE_INTEGER : decodeCursor(cursor, cursorSchema)[0]
  const floor = (await policyFloor(sql)) ?? Number.MAX_SAFE_INTEGER
  const conditions = ['revision < ?', 'revision >= ?']
  const values: SqlValue[] = [before, floor]
  const add = (condition: string, value: SqlValue | undefined): void => {
    if (value === undefined) return
    conditions.push(condition)
    values.push(value)
  }
  add('entity = ?', entity)
  add('revision IN (SELECT revision FROM audit_log WHERE actor = ?)', actor)
  const rows = await sql.query<Row>(
    `SELECT revision, MAX(created_at) AS created_at FROM policy_history WHERE ${conditions.join(' AND ')}
     GROUP BY revision ORDER BY revision DESC LIMIT ${limit + 1}`,
    values,
  )
  const shown = rows.slice(0, limit).map(({ revision }) => revision)
  const audited =
    shown.length === 0
      ? []
      : await sql.query<AuditRow>(
          `SELECT revision, actor, action, entity, entity_id FROM audit_log
           WHERE at >= ? AND revision IN (${placeholders(shown.length)}) ORDER BY id`,
          [rows.slice(0, limit).at(-1)?.created_at ?? 0, ...shown],
        )
  const changesOf = Map.groupBy(audited, ({ revision }) => revision)
  return {
    value: pageOf(
      rows,
      limit,
      (row) => [row.revision],
      ({ revision, created_at }): PolicyRevision => ({
        revision,
        at: toInstant(created_at),
        changes: (changesOf.get(revision) ?? []).map(({ revision: _revision, ...change }) => change),
      }),
    ),
  }
}
