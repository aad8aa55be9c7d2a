import { accessKeyLimitNames } from '@gpt-load/contracts/access-key-limits'
import type { ConfigChange, FieldChange } from '@gpt-load/contracts/api/config'
import type { AccessKeyConfig } from '@gpt-load/contracts/config-file'
import { toAccessKey, type AccessKeyRow } from '../access-keys/access-key-answer.ts'
import { changedFields } from '../access-keys/update-access-key.ts'
import { wrongField } from '../http/api-problem.ts'
import type { ChangeContext } from '../verb.ts'
import { accessKeyFields, findAccessKeyId, withFittingDefault } from './apply-access-key.ts'
import { fingerprintOf } from './plan-field-changes.ts'

/** What applying one access key of a file would change. Groups that the file itself creates have ids below zero here. */
export type GroupNames = { idOf: ReadonlyMap<string, number>; nameOf: ReadonlyMap<number, string> }

export type PlannedAccessKey = { row: AccessKeyRow | null; change: ConfigChange | null }

export async function planAccessKey(
  ctx: ChangeContext,
  { accessKey, owner, names }: { accessKey: AccessKeyConfig; owner: string; names: GroupNames },
): Promise<PlannedAccessKey> {
  const { database } = ctx.store
  const hash = ctx.keyring.hashToken(accessKey.key)
  const patch = { ...accessKeyFields(accessKey, names.idOf, owner), token: { hash, hint: '' } }
  const id = await findAccessKeyId(ctx.store, accessKey.name, hash)
  if (id === undefined) {
    const fields = describe({ ...patch, hash }, names).map(([field, after]) => ({ field, before: null, after }))
    return { row: null, change: { action: 'create', entity: 'access_key', name: accessKey.name, fields, keys: null } }
  }
  const row = await database.accessKey.findUniqueOrThrow({ where: { id }, include: { groups: true } })
  const holder = await database.accessKey.findUnique({ where: { hash }, select: { id: true } })
  if (holder !== null && holder.id !== id) throw wrongField('/key', 'is the token of another access key')
  const fitting = await withFittingDefault(ctx.store, id, patch)
  const fields = fieldChanges(row, changedFields(row, { ...fitting, token: patch.token }), names)
  const change = { action: 'update', entity: 'access_key', name: accessKey.name, fields, keys: null } as const
  return { row, change: fields.length === 0 ? null : change }
}

function fieldChanges(row: AccessKeyRow, changed: Record<string, unknown>, names: GroupNames): FieldChange[] {
  const before = new Map(describe({ ...toAccessKey(row), hash: row.hash }, names))
  return describe(changed, names).map(([field, after]) => ({ field, before: before.get(field) ?? null, after }))
}

/** In the file's words. */
function describe(fields: Record<string, unknown>, { nameOf }: GroupNames): [string, FieldChange['after']][] {
  const nameOfId = (id: unknown): string => nameOf.get(id as number) ?? `id ${String(id)}`
  const shown: [string, FieldChange['after']][] = []
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue
    if (name === 'hash') shown.push(['key', fingerprintOf(value as Uint8Array)])
    else if (name === 'group_ids') shown.push(['groups', (value as number[]).map(nameOfId)])
    else if (name === 'default_group_id') shown.push(['default_group', value === null ? null : nameOfId(value)])
    else if (name === 'expires_at') shown.push([name, instantOf(value)])
    else if (shownFields.has(name)) shown.push([name, value as FieldChange['after']])
  }
  return shown
}

const shownFields = new Set<string>(['name', 'all_groups', 'enabled', 'note', 'managed_by', ...accessKeyLimitNames])

/** Stored as milliseconds, 0 = never. */
function instantOf(value: unknown): string | null {
  if (typeof value === 'string') return value
  const ms = Number(value ?? 0)
  return ms === 0 ? null : new Date(ms).toISOString()
}
