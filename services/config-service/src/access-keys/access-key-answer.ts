import type { AccessKey } from '@gpt-load/contracts/api/access-key'
import type { Database } from '@gpt-load/database/database-handle'
import { managedFieldsOf } from '../config/managed-fields.ts'
import { toInstant, toOptionalInstant } from '../instant.ts'

/** Access keys as the API shows them: `prefix…suffix#id`, never the token. */
export type AccessKeyReader = Pick<Database, 'accessKey'>

function findOne(database: AccessKeyReader) {
  return database.accessKey.findFirst({ include: { groups: true } })
}
export type AccessKeyRow = NonNullable<Awaited<ReturnType<typeof findOne>>>

export function toAccessKey(row: AccessKeyRow): AccessKey {
  return {
    id: row.id,
    name: row.name,
    hint: `${row.hint}#${row.id}`,
    all_groups: row.all_groups,
    group_ids: row.groups.map(({ group_id }) => group_id).toSorted((a, b) => a - b),
    default_group_id: row.default_group_id,
    enabled: row.enabled,
    expires_at: toOptionalInstant(row.expires_at),
    max_concurrent_requests: row.max_concurrent_requests,
    max_requests_per_minute: row.max_requests_per_minute,
    max_tokens_per_minute: row.max_tokens_per_minute,
    note: row.note,
    managed_by: row.managed_by,
    managed_fields: managedFieldsOf(row),
    revision: Number(row.revision),
    created_at: toInstant(row.created_at),
    updated_at: toInstant(row.updated_at),
  }
}

/** In the order of `ids`. */
export async function loadAccessKeys(database: AccessKeyReader, ids: readonly number[]): Promise<AccessKey[]> {
  const rows = await database.accessKey.findMany({ where: { id: { in: [...ids] } }, include: { groups: true } })
  const byId = new Map(rows.map((row) => [row.id, row]))
  return ids.flatMap((id) => {
    const row = byId.get(id)
    return row === undefined ? [] : [toAccessKey(row)]
  })
}
