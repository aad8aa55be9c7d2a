import { limitsSet } from '../access-keys/access-key-limits.ts'
import { toAccessKey } from '../access-keys/access-key-answer.ts'
import type { VerbContext } from '../verb.ts'
import type { FileText } from './export-text.ts'

/** Access keys of a file; their tokens are stored as hashes only, so each is a placeholder. */
export async function exportAccessKeys(
  { store }: VerbContext,
  owner: string | undefined,
  text: FileText,
): Promise<unknown[]> {
  const rows = await store.database.accessKey.findMany({
    where: owner === undefined ? {} : { managed_by: owner },
    include: { groups: { include: { group: { select: { name: true } } } } },
    orderBy: { id: 'asc' },
  })
  const defaults = rows.flatMap(({ default_group_id: id }) => id ?? [])
  const named = await store.database.group.findMany({
    where: { id: { in: defaults } },
    select: { id: true, name: true },
  })
  const nameOf = new Map(named.map(({ id, name }) => [id, name]))
  const names = new Set<string>()
  return rows.flatMap((row) => {
    const accessKey = toAccessKey(row)
    const { name, note, enabled, all_groups: opensAll, expires_at: expiresAt, default_group_id: defaultId } = accessKey
    const groups = opensAll ? ['*'] : row.groups.map(({ group }) => group.name).toSorted()
    const reason = names.has(name) ? 'another one has its name' : groups.length === 0 ? 'it opens no group' : null
    if (reason !== null) {
      text.omitted.push(`access key ${name} (${row.hint}#${row.id}): ${reason}`)
      return []
    }
    names.add(name)
    const defaultGroup = defaultId === null ? undefined : nameOf.get(defaultId)
    return [
      {
        name: text.literal(name),
        key: text.placeholder(['access_key', name], `access key ${name}`, `${row.hint}#${row.id}`),
        groups,
        ...(defaultGroup !== undefined && { default_group: defaultGroup }),
        ...(!enabled && { enabled }),
        ...(expiresAt !== null && { expires_at: expiresAt }),
        ...limitsSet(accessKey),
        ...(note !== '' && { note: text.literal(note) }),
      },
    ]
  })
}
