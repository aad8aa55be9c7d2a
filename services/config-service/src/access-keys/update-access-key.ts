import { touchAccessKeys } from '../touch-entities.ts'
import type { AccessKey, AccessKeyPatch } from '@gpt-load/contracts/api/access-key'
import { authorise } from '../authorise.ts'
import type { ChangeTransaction } from '../truth/change-transaction.ts'
import { commitChange } from '../truth/commit.ts'
import { notFound, wrongField } from '../http/api-problem.ts'
import { requireRevision, type Precondition } from '../http/precondition.ts'
import { fromInstant } from '../instant.ts'
import { lockRows } from '../lock-rows.ts'
import type { VerbAnswer, VerbContext, VerbInput } from '../verb.ts'
import { loadAccessKeys, toAccessKey, type AccessKeyRow } from './access-key-answer.ts'
import { pickLimits } from './access-key-limits.ts'
import { requireGroups } from './access-key-scope.ts'

/** What a patch may hold beyond the API's: who manages the key, and a token that replaces the old one. */
export type AccessKeyChange = AccessKeyPatch & {
  managed_by?: string | null
  token?: { hash: Uint8Array<ArrayBuffer>; hint: string }
}

export async function updateAccessKey({
  ctx,
  input,
}: {
  ctx: VerbContext
  input: VerbInput<'updateAccessKey'>
}): Promise<VerbAnswer<AccessKey>> {
  authorise(ctx, 'updateAccessKey')
  const { id } = input.params
  const { revision } = await commitChange({ ctx }, (tx) => applyAccessKeyChange(tx, id, input.precondition, input.body))
  const [accessKey] = await loadAccessKeys(ctx.store.database, [id])
  if (accessKey === undefined) throw notFound('access key')
  return { value: accessKey, revision: accessKey.revision, ...(revision === null ? {} : { committed: revision }) }
}

/** Writes what differs. Answers whether anything did. */
export async function applyAccessKeyChange(
  tx: ChangeTransaction,
  id: number,
  precondition: Precondition,
  patch: AccessKeyChange,
): Promise<boolean> {
  await lockRows(tx.sql, 'access_keys', [id])
  const row = await tx.database.accessKey.findUnique({ where: { id }, include: { groups: true } })
  if (row === null) throw notFound('access key')
  requireRevision(precondition, Number(row.revision))
  const { group_ids: groupIds, ...columns } = changedFields(row, patch)
  if (groupIds === undefined && Object.keys(columns).length === 0) return false
  await requireGroups(tx, { ...scopeOf(row), ...pickScope(columns), ...(groupIds && { group_ids: groupIds }) })
  if (groupIds !== undefined) {
    await tx.database.accessKeyGroup.deleteMany({ where: { access_key_id: id } })
    await tx.database.accessKeyGroup.createMany({ data: groupIds.map((group_id) => ({ access_key_id: id, group_id })) })
  }
  await tx.database.accessKey.update({ where: { id }, data: { ...columns, updated_at: tx.nowMs } as never })
  touchAccessKeys(tx, [id])
  tx.audit({ action: 'access_key.update', entity: 'access_key', entityId: id, detail: describe(columns, groupIds) })
  return true
}

type ChangedFields = { group_ids?: readonly number[] } & Record<string, unknown>

/** Columns that differ, as they would be stored. */
export function changedFields(row: AccessKeyRow, patch: AccessKeyChange): ChangedFields {
  const stored = toAccessKey(row)
  const opensAll = patch.all_groups ?? stored.all_groups
  if (opensAll && (patch.group_ids?.length ?? 0) > 0) throw wrongField('/group_ids', 'all groups are open already')
  const groupIds = opensAll ? [] : (patch.group_ids ?? stored.group_ids).toSorted((a, b) => a - b)
  const isRenewed = patch.token !== undefined && !Buffer.from(row.hash).equals(patch.token.hash)
  const expiresAt = patch.expires_at ? fromInstant(patch.expires_at) : 0
  return {
    ...(groupIds.join() === stored.group_ids.join() ? {} : { group_ids: groupIds }),
    ...differing({ name: patch.name, all_groups: patch.all_groups, enabled: patch.enabled }, stored),
    ...differing({ default_group_id: patch.default_group_id, managed_by: patch.managed_by }, stored),
    ...differing(pickLimits(patch), stored),
    ...(patch.note === undefined || (patch.note ?? '') === stored.note ? {} : { note: patch.note ?? '' }),
    ...(patch.expires_at === undefined || expiresAt === Number(row.expires_at) ? {} : { expires_at: expiresAt }),
    ...(isRenewed ? { ...patch.token } : {}),
  }
}

function differing(patch: Record<string, unknown>, stored: object): Record<string, unknown> {
  const before = stored as Record<string, unknown>
  return Object.fromEntries(
    Object.entries(patch).filter(([name, value]) => value !== undefined && value !== before[name]),
  )
}

function scopeOf(row: AccessKeyRow) {
  const { all_groups, group_ids, default_group_id } = toAccessKey(row)
  return { all_groups, group_ids, default_group_id }
}

function pickScope(
  columns: Record<string, unknown>,
): Partial<{ all_groups: boolean; default_group_id: number | null }> {
  const names = ['all_groups', 'default_group_id'].filter((name) => name in columns)
  return Object.fromEntries(names.map((name) => [name, columns[name]]))
}

function describe(columns: Record<string, unknown>, groupIds: readonly number[] | undefined): Record<string, unknown> {
  const { hash, hint: _, ...shown } = columns
  return { ...shown, ...(groupIds && { group_ids: groupIds }), ...(hash === undefined ? {} : { key: 'replaced' }) }
}
