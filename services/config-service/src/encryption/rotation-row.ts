import type { EncryptionRotation } from '@gpt-load/contracts/api/encryption'
import type { SqlRunner } from '@gpt-load/database/sql-runner'
import { toInstant, toOptionalInstant } from '../instant.ts'

/** A rotation of the data key, as it is stored. */
export type RotationRow = {
  id: number
  data_key_id: number
  state: EncryptionRotation['state']
  /** Index of the step that is worked on, and the last id that is done in it. */
  step: number
  position: number
  resealed: number
  failed: number
  created_by: string
  created_at: number
  finished_at: number
}

export async function findRotation(sql: SqlRunner): Promise<RotationRow | null> {
  const [row] = await sql.query<RotationRow>('SELECT * FROM encryption_rotations ORDER BY id DESC LIMIT 1')
  return row ?? null
}

export function toRotation(row: RotationRow): EncryptionRotation {
  const { id, state, data_key_id, resealed, failed, created_by } = row
  return {
    id,
    state,
    data_key_id,
    resealed,
    failed,
    created_by,
    created_at: toInstant(row.created_at),
    finished_at: toOptionalInstant(row.finished_at),
  }
}
