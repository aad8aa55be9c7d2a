import type { AuditEntry } from '@gpt-load/contracts/api/audit'
import type { Page } from '@gpt-load/contracts/api/page'
import type { SqlRunner, SqlValue } from '@gpt-load/database/sql-runner'
import { z } from 'zod'
import { authorise } from '../authorise.ts'
import { wrongField } from '../http/api-problem.ts'
import { decodeCursor, pageOf } from '../http/cursor.ts'
import { fromInstant, toInstant } from '../instant.ts'
import type { VerbAnswer, VerbContext, VerbInput } from '../verb.ts'

/** By id, which is the order of writing: a page goes down the primary key, or the entity's index. */
const cursorSchema = z.tuple([z.number().int()])

type AuditRow = {
  id: number
  revision: number
  at: number
  actor: string
  action: string
  entity: string
  entity_id: string
  detail: string
  request_id: string
}

export async function listAudit({
  ctx,
  input,
}: {
  ctx: VerbContext
  input: Pick<VerbInput<'listAudit'>, 'query'>
}): Promise<VerbAnswer<Page<AuditEntry>>> {
  authorise(ctx, 'listAudit')
  const { query } = input
  if (query.entity_id !== undefined && query.entity === undefined)
    throw wrongField('/entity', 'is needed with entity_id: ids of different kinds are the same numbers')
  const rows = await findEntries(ctx.store.sql, query)
  return { value: pageOf(rows, query.limit, ({ id }) => [id], toEntry) }
}

async function findEntries(sql: SqlRunner, query: VerbInput<'listAudit'>['query']): Promise<AuditRow[]> {
  const before = query.cursor === undefined ? Number.MAX_SAFE_INTEGER : decodeCursor(query.cursor, cursorSchema)[0]
  const conditions = ['id < ?']
  const values: SqlValue[] = [before]
  const add = (condition: string, value: SqlValue | undefined): void => {
    if (value === undefined) return
    conditions.push(condition)
    values.push(value)
  }
  add('actor = ?', query.actor)
  add('entity = ?', query.entity)
  add('entity_id = ?', query.entity_id)
  add('at >= ?', query.from && fromInstant(query.from))
  add('at < ?', query.to && fromInstant(query.to))
  return sql.query(
    `SELECT id, revision, at, actor, action, entity, entity_id, detail, request_id FROM audit_log
     WHERE ${conditions.join(' AND ')} ORDER BY id DESC LIMIT ${query.limit + 1}`,
    values,
  )
}

function toEntry(row: AuditRow): AuditEntry {
  return { ...row, at: toInstant(row.at), detail: JSON.parse(row.detail) as AuditEntry['detail'] }
}
