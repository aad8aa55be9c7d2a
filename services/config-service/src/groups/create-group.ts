import { touchGroups } from '../touch-entities.ts'
import type { Group } from '@gpt-load/contracts/api/group'
import { authorise } from '../authorise.ts'
import { syncMembers } from '../aggregates/sync-members.ts'
import type { ChangeTransaction } from '../truth/change-transaction.ts'
import { commitChange } from '../truth/commit.ts'
import { notFound } from '../http/api-problem.ts'
import { lockRows } from '../lock-rows.ts'
import { syncUpstreams } from '../upstreams/sync-upstreams.ts'
import type { ChangeContext, VerbAnswer, VerbContext, VerbInput } from '../verb.ts'
import { describeChange, nameTakenAsProblem, patchPointers } from './change-group.ts'
import { changedColumns, newGroupFields, patchGroupFields } from './group-fields.ts'
import { loadGroups } from './load-groups.ts'

export type NewGroup = VerbInput<'createGroup'>['body'] & {
  managed_by?: string | null
  /** Chosen by the database unless it is given. */
  id?: number
}

export async function createGroup({
  ctx,
  input,
}: {
  ctx: VerbContext
  input: Pick<VerbInput<'createGroup'>, 'body'>
}): Promise<VerbAnswer<Group>> {
  authorise(ctx, 'createGroup')
  const { result: id, revision } = await nameTakenAsProblem(() =>
    commitChange({ ctx }, (tx) => insertGroup(tx, ctx, input.body)),
  )
  const [group] = await loadGroups(ctx.store.database, ctx.keyring, [id])
  if (group === undefined) throw notFound('group')
  return { value: group, revision: group.revision, ...(revision === null ? {} : { committed: revision }) }
}

export async function insertGroup(tx: ChangeTransaction, ctx: ChangeContext, body: NewGroup): Promise<number> {
  const { upstreams = [], members = [], kind: _, id: chosenId, ...patch } = body
  const fields = patchGroupFields(newGroupFields(body), patch)
  const columns = changedColumns(null, fields, ctx.keyring)
  const chosen = chosenId === undefined ? {} : { id: chosenId }
  const data = { ...columns, ...chosen, revision: 0, created_at: tx.nowMs, updated_at: tx.nowMs }
  const { id } = await tx.database.group.create({ data: data as never, select: { id: true } })
  const { upstreams: pointer, members: pointerOf } = patchPointers
  await syncUpstreams(tx, ctx, { groupId: id, stored: [], inputs: upstreams, pointer })
  if (fields.kind === 'aggregate') {
    await lockRows(
      tx.sql,
      'groups',
      members.map(({ group_id }) => group_id),
    )
    await syncMembers(tx, { group: { ...fields, id }, stored: [], inputs: members, pointerOf })
  }
  touchGroups(tx, [id])
  const detail = { name: fields.name, channel: fields.channel, ...describeChange({}, ['upstreams', 'members']) }
  tx.audit({ action: 'group.create', entity: 'group', entityId: id, detail })
  return id
}
