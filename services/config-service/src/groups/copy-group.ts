import type { Group } from '@gpt-load/contracts/api/group'
import { keyStates } from '@gpt-load/contracts/key-state'
import { authorise } from '../authorise.ts'
import { notFound } from '../http/api-problem.ts'
import { requireRevision } from '../http/precondition.ts'
import { awaitTask } from '../tasks/await-task.ts'
import { queueKeyTask } from '../tasks/start-key-tasks.ts'
import { touchGroups } from '../touch-entities.ts'
import type { ChangeTransaction } from '../truth/change-transaction.ts'
import { commitChange } from '../truth/commit.ts'
import { readPosition } from '../truth/read-position.ts'
import type { VerbAnswer, VerbContext, VerbInput } from '../verb.ts'
import { lockGroup, nameTakenAsProblem } from './change-group.ts'
import { changedColumns, groupFieldsOf } from './group-fields.ts'
import { loadGroups, type GroupRow } from './load-groups.ts'

/**
 * Everything that makes the group, under another name; who managed it does not manage the copy. Keys follow by a task of the
 * same transaction, which any replica completes after a crash; the answer waits for it a while.
 */
const keysWaitMs = 10_000
/** What is neither condemned nor put aside by a person. */
const validStates = keyStates.filter((state) => state !== 'invalid' && state !== 'disabled')

export async function copyGroup({
  ctx,
  input,
}: {
  ctx: VerbContext
  input: Pick<VerbInput<'copyGroup'>, 'params' | 'body' | 'precondition'>
}): Promise<VerbAnswer<Group>> {
  authorise(ctx, 'copyGroup')
  const { result: copy, revision } = await nameTakenAsProblem(() =>
    commitChange({ ctx }, (tx) => insertCopy(tx, ctx, input)),
  )
  if (copy.taskId !== null) {
    ctx.onTaskQueued()
    await awaitTask(ctx, copy.taskId, { timeoutMs: keysWaitMs })
  }
  const [group] = await loadGroups(ctx.store.database, ctx.keyring, [copy.id])
  if (group === undefined) throw notFound('group')
  const committed = copy.taskId === null ? revision : (await readPosition(ctx.store.sql)).revision
  return { value: group, revision: group.revision, ...(committed === null ? {} : { committed }) }
}

async function insertCopy(
  tx: ChangeTransaction,
  ctx: VerbContext,
  { params, body, precondition }: Pick<VerbInput<'copyGroup'>, 'params' | 'body' | 'precondition'>,
): Promise<{ id: number; taskId: number | null }> {
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
  if (body.keys === 'none' || row.kind !== 'standard') return { id, taskId: null }
  const selection = { filter: body.keys === 'valid' ? { state: validStates } : {} }
  const copied = { kind: 'copy', groupId: params.id, parameters: { selection, to_group_id: id } } as const
  return { id, taskId: await queueKeyTask(tx, ctx, copied) }
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
