import type { AdminToken } from '@gpt-load/contracts/api/admin-token'
import type { Scope } from '@gpt-load/contracts/api/endpoint'
import { toInstant, toOptionalInstant } from '../instant.ts'

export const adminTokenColumns = 'id, name, hint, scopes, expires_at, created_by, created_at, last_used_at'

export type AdminTokenRow = {
  id: number
  name: string
  hint: string
  scopes: string
  expires_at: number
  created_by: string
  created_at: number
  last_used_at: number
}

export function toAdminToken(row: AdminTokenRow): AdminToken {
  return {
    id: row.id,
    name: row.name,
    hint: `${row.hint}#${row.id}`,
    scopes: row.scopes.split(' ') as Scope[],
    expires_at: toOptionalInstant(row.expires_at),
    created_by: row.created_by,
    created_at: toInstant(row.created_at),
    last_used_at: toOptionalInstant(row.last_used_at),
  }
}
