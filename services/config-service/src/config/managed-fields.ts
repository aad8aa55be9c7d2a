import type { ConfigFile } from '@gpt-load/contracts/config-file'
import { bulkUpdate } from '@gpt-load/database/bulk-update'
import type { ChangeContext } from '../verb.ts'

/**
 * Which fields of a group or an access key the file of its owner names. Nothing but the portal's warnings depends on them, so they
 * are outside of revisions, plans and rollbacks: another text of the same file makes no revision. They are stored with their owner
 * and count while the object is that owner's, whatever takes it away.
 */
type Managed = { managed_by: string | null; managed_fields: string | null }
type StoredFields = { owner: string; fields: string[] }
type Named = ConfigFile['groups'][number] | ConfigFile['access_keys'][number]

export function managedFieldsOf({ managed_by: owner, managed_fields: text }: Managed): string[] {
  if (text === null) return []
  const stored = JSON.parse(text) as StoredFields
  return stored.owner === owner ? stored.fields : []
}

/** After an apply: what the file does not name any more is managed no longer. The lease `apply-config` is the caller's. */
export async function recordManagedFields(
  { store, keyring }: Pick<ChangeContext, 'store' | 'keyring'>,
  { config, owner }: { config: ConfigFile; owner: string },
): Promise<void> {
  const where = { managed_by: owner }
  const groups = await store.database.group.findMany({ where, select: { id: true, name: true, managed_fields: true } })
  const accessKeys = await store.database.accessKey.findMany({
    where,
    select: { id: true, hash: true, managed_fields: true },
  })
  const groupsByName = new Map(config.groups.map((group) => [group.name, group]))
  // Names of access keys may stand for several; tokens do not.
  const keysByHash = new Map(config.access_keys.map((key) => [textOf(keyring.hashToken(key.key)), key]))
  const changedGroups = groups.flatMap((row) => changedRow(row, owner, groupsByName.get(row.name)))
  const changedKeys = accessKeys.flatMap((row) => changedRow(row, owner, keysByHash.get(textOf(row.hash))))
  if (changedGroups.length + changedKeys.length === 0) return
  const columns = { keys: ['id'], columns: ['managed_fields'] }
  await store.write(async ({ sql }) => {
    await bulkUpdate(sql, { table: 'groups', ...columns, rows: changedGroups })
    await bulkUpdate(sql, { table: 'access_keys', ...columns, rows: changedKeys })
  })
}

function changedRow(
  { id, managed_fields: stored }: { id: number; managed_fields: string | null },
  owner: string,
  named: Named | undefined,
): [number, string][] {
  const text = JSON.stringify({ owner, fields: named === undefined ? [] : fieldsOf(named) } satisfies StoredFields)
  return text === stored ? [] : [[id, text]]
}

/** How keys are managed is said by each key. */
const keyFields = new Set(['keys', 'keys_file', 'keys_managed'])

/** Sorted: their order in the file means nothing. */
function fieldsOf(named: Named): string[] {
  return Object.entries(named)
    .flatMap(([name, value]) => {
      if (value === undefined || keyFields.has(name)) return []
      if (name !== 'settings') return [name]
      return Object.entries(value as object).flatMap(([setting, own]) =>
        own === undefined ? [] : [`settings.${setting}`],
      )
    })
    .toSorted()
}

function textOf(hash: Uint8Array): string {
  return Buffer.from(hash).toString('base64')
}
