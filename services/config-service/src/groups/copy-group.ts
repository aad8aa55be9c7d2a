import { maxCopiedKeys, type Group } from '@gpt-load/contracts/api/group'
import { authorise } from '../authorise.ts'
import { ApiProblem, notFound } from '../http/api-problem.ts'
import { requireRevision } from '../http/precondition.ts'
import { countKeys } from '../keys/adjust-key-counts.ts'
import { copyKeys } from '../keys/copy-keys.ts'
import { touchGroups } from '../touch-entities.ts'
import type { ChangeTransaction } from '../truth/change-transaction.ts'
import { commitChange } from '../truth/commit.ts'
import type { VerbAnswer, VerbContext, VerbInput } from '../verb.ts'
import { lockGroup, nameTakenAsProblem } from './change-group.ts'
import { changedColumns, groupFieldsOf } from './group-fields.ts'
import { loadGroups, type GroupRow } from './load-groups.ts'

/**
 * Everything that makes the group, under another name; who managed it does not manage the copy. Keys follow in chunks, so a
 * crash may leave a copy with some of them: an import adds the rest.
 */
export async function copyGroup({
  ctx,
  input,
}: {
  ctx: VerbContext
  input: Pick<VerbInput<'copyGroup'>, 'params' | 'body' | 'precondition'>
}): Promise<VerbAnswer<Group>> {
  authorise(ctx, 'copyGroup')
  const { id: from } = input.params
  const { keys } = input.body
  if (keys !== 'none') await refuseTooMany(ctx, from)
  const { result: id, revision } = await nameTakenAsProblem(() =>
    commitChange({ ctx }, (tx) => insertCopy(tx, ctx, input)),
  )
  const last = keys === 'none' ? null : await copyKeys(ctx, { from, to: id, isValidOnly: keys === 'valid' })
  const [group] = await loadGroups(ctx.store.database, ctx.keyring, [id])
  if (group === undefined) throw notFound('group')
  const committed = last ?? revision
  return { value: group, revision: group.revision, ...(committed === null ? {} : { committed }) }
}

async function refuseTooMany(ctx: VerbContext, groupId: number): Promise<void> {
  const count = await countKeys(ctx.store.sql, groupId)
  if (count <= maxCopiedKeys) return
  const advice = `A copy takes ${maxCopiedKeys} keys at most. Copy the group without keys, then import them.`
  throw new ApiProblem('conflict', `The group has ${count} keys. ${advice}`)
}

async function insertCopy(
  tx: ChangeTransaction,
  ctx: VerbContext,
  { params, body, precondition }: Pick<VerbInput<'copyGroup'>, 'params' | 'body' | 'precondition'>,
): Promise<number> {
  const row = await lockGroup(tx, params.id)
  requireRevision(precondition, Number(row.revision))
  const fields = { ...groupFieldsOf(row, ctx.keyring), name: body.name, managed_by: null }
  const columns = changedColumns(null, fields, ctx.keyring)
  const data = { ...columns, revision: 0, created_at: tx.nowMs, updated_at: tx.nowMs }
  const { id } = await tx.database.group.create({ data: data as never, select: { id: true } })
  await copyParts(tx, row, id)
  touchGroups(tx, [id])
  const detail = { name: body.name, from: row.name, keys: body.keys }
  tx.audit({ action: 'group.copy', entity: 'group', entityId: id, detail })
  return id
}

/** URLs with credentials lie sealed, bound to their purpose and not to a row: they are copied as they lie. */
async function copyParts({ database }: ChangeTransaction, row: GroupRow, groupId: number): Promise<void> {
  await database.upstream.createMany({
    data: row.upstreams.map(({ url, weight, position }) => ({ group_id: groupId, url, weight, position })),
  })
  await database.aggregateMember.createMany({
    data: row.members.map(({ member_id, weight, position }) => ({ group_id: groupId, member_id, weight, position })),
  })
}
