import type { KeyExportContent, KeyExportLine } from '@gpt-load/contracts/api/task'
import type { KeyState } from '@gpt-load/contracts/key-state'
import { idCondition } from '@gpt-load/database/id-condition'
import type { Keyring } from '@gpt-load/database/keyring'
import { openProviderKey } from '@gpt-load/database/row-secrets'
import type { SqlRunner } from '@gpt-load/database/sql-runner'

/** A key as exports read it, and the line that it becomes in one. */
export type ExportRow = {
  id: number
  hint: string
  note: string
  weight: number
  state: KeyState
  hash: Uint8Array
  secret: Uint8Array
}

/** By id; those that are gone meanwhile are left out. */
export async function readExportRows(sql: SqlRunner, ids: readonly number[]): Promise<ExportRow[]> {
  const { where, values } = idCondition('id', ids)
  return sql.query<ExportRow>(
    `SELECT id, hint, note, weight, state, hash, secret FROM provider_keys WHERE ${where} ORDER BY id`,
    values,
  )
}

export function exportLineOf(keyring: Keyring, row: ExportRow, content: KeyExportContent): string {
  const { id, hint, note, weight, state } = row
  const key = content === 'masked' ? {} : { key: openProviderKey(keyring, row.hash, row.secret) }
  if (content === 'plain') return `${key.key}\n`
  return `${JSON.stringify({ id, hint, ...key, note, weight, state } satisfies KeyExportLine)}\n`
}
