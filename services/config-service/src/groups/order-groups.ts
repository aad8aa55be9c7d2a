import { bulkUpdate } from '@gpt-load/database/bulk-update'
import { authorise } from '../authorise.ts'
import { ApiProblem } from '../http/api-problem.ts'
import { lockRows } from '../lock-rows.ts'
import { touchGroups } from '../touch-entities.ts'
import type { ChangeTransaction } from '../truth/change-transaction.ts'
import { commitChange } from '../truth/commit.ts'
import type { VerbAnswer, VerbContext, VerbInput } from '../verb.ts'

/** All or nothing, one revision. Only groups whose place changes get another ETag. */
export async function orderGroups({
  ctx,
  input,
}: {
  ctx: VerbContext
  input: Pick<VerbInput<'orderGroups'>, 'body'>
}): Promise<VerbAnswer<null>> {
  authorise(ctx, 'orderGroups')
  const { revision } = await commitChange({ ctx }, (tx) => writeOrder(tx, input.body))
  return { value: null, ...(revision === null ? {} : { committed: revision }) }
}

async function writeOrder(tx: ChangeTransaction, order: VerbInput<'orderGroups'>['body']): Promise<void> {
  const ids = order.map(({ id }) => id)
  await lockRows(tx.sql, 'groups', ids)
  const rows = await tx.database.group.findMany({ where: { id: { in: ids } }, select: { id: true, sort: true } })
  const before = new Map(rows.map(({ id, sort }) => [id, sort]))
  refuseUnknown(order, before)
  const moved = order.filter(({ id, sort }) => before.get(id) !== sort)
  if (moved.length === 0) return
  await bulkUpdate(tx.sql, {
    table: 'groups',
    keys: ['id'],
    columns: ['sort', 'updated_at'],
    rows: moved.map(({ id, sort }) => [id, sort, tx.nowMs]),
  })
  touchGroups(
    tx,
    moved.map(({ id }) => id),
  )
  const detail = Object.fromEntries(moved.map(({ id, sort }) => [id, sort]))
  tx.audit({ action: 'group.order', entity: 'group', entityId: 'order', detail })
}

function refuseUnknown(order: VerbInput<'orderGroups'>['body'], known: ReadonlyMap<number, number>): void {
  const errors = order.flatMap(({ id }, index) =>
    known.has(id) ? [] : [{ pointer: `/${index}/id`, detail: 'is no group' }],
  )
  if (errors.length > 0) throw new ApiProblem('validation_failed', 'Some groups are not there.', { errors })
}
