import {
  maxResourcesPerAnswer,
  maxStoredResources,
  type LearntResource,
  type ResourceAnswer,
  type ResourcePost,
} from '@gpt-load/contracts/resource-key'
import { bulkInsert } from '@gpt-load/database/bulk-insert'
import type { DatabaseHandle } from '@gpt-load/database/database-handle'
import { removeInChunks } from '../remove-in-chunks.ts'

/**
 * Which key made which resource, as edges tell it: kept for all of them and for those that start later, until it expires or
 * newer ones fill the table. Beside the revisions: it is a hint, and there may be a thousand a second.
 */
const columns = ['high', 'low', 'key_id', 'expires_at'] as const

/** False: of another epoch. A resource never changes its key, so what is known already stays. */
export async function storeResources(
  store: DatabaseHandle,
  epoch: string,
  { epoch: ofEdge, resources }: ResourcePost,
): Promise<boolean> {
  if (ofEdge !== epoch) return false
  const rows = resources.map((resource) => columns.map((column) => resource[column]))
  await store.write(async ({ sql }) => {
    await bulkInsert(sql, { table: 'resource_keys', columns, rows, ignoreDuplicates: true })
  })
  return true
}

export async function loadResources(
  { sql }: DatabaseHandle,
  epoch: string,
  { epoch: ofEdge, after }: { epoch: string; after?: number },
  nowMs: number,
): Promise<ResourceAnswer | null> {
  if (ofEdge !== epoch) return null
  const from = after ?? (await newestId({ sql })) - maxLoaded
  const rows = await sql.query<LearntResource & { id: number }>(
    `SELECT id, ${columns.join(', ')} FROM resource_keys WHERE id > ? ORDER BY id LIMIT ${maxResourcesPerAnswer}`,
    [Math.max(0, from)],
  )
  const resources = rows.flatMap(({ id: _id, ...resource }) => (resource.expires_at > nowMs ? [resource] : []))
  return { resources, last: rows.at(-1)?.id ?? Math.max(0, from) }
}

/** What an edge can hold (proxy-edge, resource-keys). */
const maxLoaded = 131_072

export async function removeOldResources(store: DatabaseHandle, nowMs: number, signal: AbortSignal): Promise<void> {
  await removeInChunks(store, { table: 'resource_keys', key: 'id', time: 'expires_at', beforeMs: nowMs }, signal)
  const beforeId = (await newestId(store)) - maxStoredResources
  await removeInChunks(store, { table: 'resource_keys', key: 'id', time: 'id', beforeMs: beforeId }, signal)
}

async function newestId({ sql }: Pick<DatabaseHandle, 'sql'>): Promise<number> {
  const [row] = await sql.query<{ newest: number | null }>('SELECT MAX(id) AS newest FROM resource_keys')
  return row?.newest ?? 0
}
