import { touchGroups } from '../touch-entities.ts'
import type { AggregateMemberInput } from '@gpt-load/contracts/api/aggregate-member'
import type { Group, GroupPatch } from '@gpt-load/contracts/api/group'
import { isUniqueViolation } from '@gpt-load/database/database-errors'
import { syncMembers } from '../aggregates/sync-members.ts'
import type { ChangeTransaction } from '../truth/change-transaction.ts'
import { commitChange } from '../truth/commit.ts'
import { ApiProblem, notFound, wrongField } from '../http/api-problem.ts'
import { requireRevision, type Precondition } from '../http/precondition.ts'
import { lockRows } from '../lock-rows.ts'
import { syncUpstreams } from '../upstreams/sync-upstreams.ts'
import type { ChangeContext, VerbAnswer, VerbContext } from '../verb.ts'
import {
  changedColumns,
  groupFieldsOf,
  patchGroupFields,
  type GroupColumns,
  type GroupFields,
  type GroupFieldsPatch,
} from './group-fields.ts'
import { groupParts, loadGroups, type GroupRow } from './load-groups.ts'

/**
 * The one way in which a group that exists is changed: the row is locked and read, the patch is computed from what is
 * there, and only what differs is written. Verbs differ in the patch.
 */
export type GroupChange = GroupFieldsPatch &
  Pick<GroupPatch, 'upstreams'> & { members?: readonly AggregateMemberInput[] | undefined }

export type ChangeGroupOptions = {
  id: number
  precondition: Precondition
  action: string
  /** Where upstreams and members stand in the request. */
  pointer: { upstreams: string; members(index: number): string }
  patchOf(row: GroupRow): GroupChange
}

export const patchPointers: ChangeGroupOptions['pointer'] = {
  upstreams: '/upstreams',
  members: (index) => `/members/${index}/group_id`,
}

export async function changeGroup(ctx: VerbContext, options: ChangeGroupOptions): Promise<VerbAnswer<Group>> {
  const { revision } = await nameTakenAsProblem(() => commitChange({ ctx }, (tx) => applyGroupChange(tx, ctx, options)))
  const [group] = await loadGroups(ctx.store.database, ctx.keyring, [options.id])
  if (group === undefined) throw notFound('group')
  return { value: group, revision: group.revision, ...(revision === null ? {} : { committed: revision }) }
}

/** Answers whether anything changed. */
export async function applyGroupChange(
  tx: ChangeTransaction,
  ctx: ChangeContext,
  options: ChangeGroupOptions,
): Promise<boolean> {
  const row = await lockGroup(tx, options.id)
  requireRevision(options.precondition, Number(row.revision))
  const { upstreams, members, ...patch } = options.patchOf(row)
  const before = groupFieldsOf(row, ctx.keyring)
  const after = patchGroupFields(before, patch)
  await refuseMisfit(tx, before, after, row.id)
  const columns = changedColumns(before, after, ctx.keyring)
  const parts = [
    ...(upstreams !== undefined && (await changeUpstreams(tx, ctx, row, upstreams, options)) ? ['upstreams'] : []),
    ...(members !== undefined && (await changeMembers(tx, row, after, members, options)) ? ['members'] : []),
  ]
  if (Object.keys(columns).length === 0 && parts.length === 0) return false
  await tx.database.group.update({ where: { id: row.id }, data: { ...columns, updated_at: tx.nowMs } as never })
  touchGroups(tx, [row.id])
  tx.audit({ action: options.action, entity: 'group', entityId: row.id, detail: describeChange(columns, parts) })
  return true
}

export async function lockGroup(tx: ChangeTransaction, id: number): Promise<GroupRow> {
  await lockRows(tx.sql, 'groups', [id])
  const row = await tx.database.group.findUnique({ where: { id }, include: groupParts })
  if (row === null) throw notFound('group')
  return row
}

async function changeUpstreams(
  tx: ChangeTransaction,
  ctx: ChangeContext,
  row: GroupRow,
  inputs: NonNullable<GroupChange['upstreams']>,
  { pointer }: ChangeGroupOptions,
): Promise<boolean> {
  if (row.kind === 'aggregate') throw new ApiProblem('conflict', 'An aggregate has no upstreams of its own.')
  return syncUpstreams(tx, ctx, { groupId: row.id, stored: row.upstreams, inputs, pointer: pointer.upstreams })
}

async function changeMembers(
  tx: ChangeTransaction,
  row: GroupRow,
  after: GroupFields,
  inputs: readonly AggregateMemberInput[],
  { pointer }: ChangeGroupOptions,
): Promise<boolean> {
  await lockRows(
    tx.sql,
    'groups',
    inputs.map(({ group_id }) => group_id),
  )
  const group = { id: row.id, kind: row.kind, channel: after.channel }
  return syncMembers(tx, { group, stored: row.members, inputs, pointerOf: pointer.members })
}

/** Callers of an aggregate speak its channel's dialect to every member: neither side may change alone. */
async function refuseMisfit(tx: ChangeTransaction, before: GroupFields, after: GroupFields, id: number): Promise<void> {
  if (before.channel === after.channel) return
  if (before.kind === 'aggregate') throw wrongField('/channel', 'the channel of an aggregate never changes')
  const parents = await tx.database.aggregateMember.count({ where: { member_id: id } })
  if (parents > 0) throw wrongField('/channel', 'cannot change while the group is a member of an aggregate')
}

/** Values that may be secrets are named, not shown. */
export function describeChange(columns: GroupColumns, parts: readonly string[]): Record<string, unknown> {
  const isOpen = (name: string): boolean => name !== 'header_rules' && name !== 'settings' && name !== 'param_overrides'
  const entries = Object.entries(columns).map(([name, value]) => [name, isOpen(name) ? value : 'changed'])
  return Object.fromEntries([...entries, ...parts.map((part) => [part, 'changed'])]) as Record<string, unknown>
}

export async function nameTakenAsProblem<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!isUniqueViolation(error)) throw error
    throw new ApiProblem('duplicate', 'Another group has this name.', {
      errors: [{ pointer: '/name', detail: 'is taken by another group' }],
      cause: error,
    })
  }
}
