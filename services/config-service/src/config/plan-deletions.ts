import type { ConfigChange, ConfigPlanInput } from '@gpt-load/contracts/api/config'
import { countKeys } from '../keys/adjust-key-counts.ts'
import type { ChangeContext } from '../verb.ts'

/** What belongs to the owner and is not in the file any more. */
export type Deletions = {
  changes: ConfigChange[]
  groupIds: number[]
  accessKeyIds: number[]
  settingNames: string[]
}

/** `matched`: access keys that the file names, by name or by token. */
export async function planDeletions(
  { store }: ChangeContext,
  { config, owner }: ConfigPlanInput,
  matched: ReadonlySet<number>,
): Promise<Deletions> {
  const named = { managed_by: owner }
  const listed = new Set(config.groups.map(({ name }) => name))
  const groups = (await store.database.group.findMany({ where: named, select: { id: true, name: true } })).filter(
    ({ name }) => !listed.has(name),
  )
  const accessKeys = (
    await store.database.accessKey.findMany({ where: named, select: { id: true, name: true } })
  ).filter(({ id }) => !matched.has(id))
  const settings = (await store.database.setting.findMany({ where: named, select: { name: true } })).filter(
    ({ name }) => !Object.hasOwn(config.settings ?? {}, name),
  )
  const changes: ConfigChange[] = []
  for (const { id, name } of groups) {
    const stored = await countKeys(store.sql, id)
    const keys = stored === 0 ? null : { stored, added: 0, removed: stored }
    changes.push({ action: 'delete', entity: 'group', name, fields: [], keys })
  }
  for (const { name } of accessKeys)
    changes.push({ action: 'delete', entity: 'access_key', name, fields: [], keys: null })
  for (const { name } of settings) changes.push({ action: 'delete', entity: 'setting', name, fields: [], keys: null })
  return {
    changes,
    groupIds: groups.map(({ id }) => id),
    accessKeyIds: accessKeys.map(({ id }) => id),
    settingNames: settings.map(({ name }) => name),
  }
}
