import { quoteName } from '@gpt-load/database/bulk-insert'
import type { Services } from '../services.ts'

/**
 * Deletes the keys of groups that are gone, a chunk per transaction, so that no lock is held for long. Edges have dropped
 * them with their group: no revision. Repeated until nothing is left; a crash in between leaves the rest to the next run.
 */
export const orphanChunkRows = 2_000

export async function removeOrphanKeys(services: Pick<Services, 'store'>, signal: AbortSignal): Promise<number> {
  let removed = 0
  while (!signal.aborted) {
    const groupId = await orphanedGroupId(services)
    if (groupId === null) return removed
    for (let chunk = -1; chunk !== 0 && !signal.aborted; removed += chunk) chunk = await removeChunk(services, groupId)
  }
  return removed
}

/** A loose index scan: as many steps as there are groups, not keys. */
async function orphanedGroupId({ store }: Pick<Services, 'store'>): Promise<number | null> {
  const groups = quoteName(store.sql, 'groups')
  const [row] = await store.sql.query<{ group_id: number }>(
    `SELECT k.group_id FROM (SELECT DISTINCT group_id FROM provider_keys) k
     LEFT JOIN ${groups} g ON g.id = k.group_id WHERE g.id IS NULL LIMIT 1`,
  )
  return row?.group_id ?? null
}

async function removeChunk({ store }: Pick<Services, 'store'>, groupId: number): Promise<number> {
  return store.write(async ({ sql }) => {
    const rows = await sql.query<{ id: number }>(
      `SELECT id FROM provider_keys WHERE group_id = ? ORDER BY id LIMIT ${orphanChunkRows}`,
      [groupId],
    )
    const first = rows[0]?.id
    const last = rows.at(-1)?.id
    if (first === undefined || last === undefined) return 0
    await sql.execute('DELETE FROM key_model_states WHERE group_id = ? AND key_id BETWEEN ? AND ?', [
      groupId,
      first,
      last,
    ])
    return sql.execute('DELETE FROM provider_keys WHERE group_id = ? AND id BETWEEN ? AND ?', [groupId, first, last])
  })
}
