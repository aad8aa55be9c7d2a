import { environmentOwner } from '@gpt-load/contracts/api/config'
import type { ChangeContext } from '../verb.ts'

/**
 * The group that a first start makes is for somebody who begins with nothing. Where nobody has touched it and it has no keys, it gives way to
 * what comes from another installation: that may have a group of the same name, with other upstreams for its keys, and the same id.
 */
export async function findUnusedSeed({ store }: Pick<ChangeContext, 'store'>): Promise<number | null> {
  const { database } = store
  const [seed] = await database.group.findMany({
    where: { managed_by: environmentOwner, parents: { none: {} }, access_keys: { none: {} } },
    select: { id: true, created_at: true, updated_at: true },
  })
  if (seed === undefined || seed.created_at !== seed.updated_at) return null
  const [keys, defaults] = await Promise.all([
    database.providerKey.count({ where: { group_id: seed.id } }),
    database.accessKey.count({ where: { default_group_id: seed.id } }),
  ])
  return keys + defaults === 0 ? seed.id : null
}
