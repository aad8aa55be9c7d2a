import type { KeySelection, Task } from '@gpt-load/contracts/api/task'
import type { TaskKind } from '@gpt-load/contracts/task-state'
import { quoteName } from '@gpt-load/database/bulk-insert'
import { placeholders, type SqlRunner } from '@gpt-load/database/sql-runner'
import { authorise } from '../authorise.ts'
import { wrongField } from '../http/api-problem.ts'
import { disabledUntilMs } from '../keys/disable-key.ts'
import { newestKeyId, requireStandardGroup } from '../keys/insert-keys.ts'
import type { ChangeTransaction } from '../truth/change-transaction.ts'
import { commitChange } from '../truth/commit.ts'
import type { Verb, VerbAnswer, VerbContext, VerbInput } from '../verb.ts'
import { insertTask } from './create-task.ts'
import { requireRoomForOutput } from './task-output.ts'
import { requireTask, toTask, type ExportParameters, type SelectionParameters } from './task-row.ts'

/** Tasks over keys that a group has: what is added after their start is not theirs. */
type Start = { kind: TaskKind; groupId: number; parameters: SelectionParameters | ExportParameters }

export const deleteKeys: Verb<'deleteKeys'> = async ({ ctx, input }) => {
  authorise(ctx, 'deleteKeys')
  return start(ctx, { kind: 'delete', groupId: input.params.id, parameters: { selection: input.body } })
}

export const restoreKeys: Verb<'restoreKeys'> = async ({ ctx, input }) => {
  authorise(ctx, 'restoreKeys')
  return start(ctx, { kind: 'restore', groupId: input.params.id, parameters: { selection: input.body } })
}

export const enableKeys: Verb<'enableKeys'> = async ({ ctx, input }) => {
  authorise(ctx, 'enableKeys')
  return start(ctx, { kind: 'enable', groupId: input.params.id, parameters: { selection: input.body } })
}

export const disableKeys: Verb<'disableKeys'> = async ({ ctx, input }) => {
  authorise(ctx, 'disableKeys')
  const { note = '', until, ...selection } = input.body
  const parameters = { selection, note, until_ms: disabledUntilMs(ctx, until) }
  return start(ctx, { kind: 'disable', groupId: input.params.id, parameters })
}

export const validateKeys: Verb<'validateKeys'> = async ({ ctx, input }) => {
  authorise(ctx, 'validateKeys')
  return start(ctx, { kind: 'validate', groupId: input.params.id, parameters: { selection: input.body } })
}

export const copyKeys: Verb<'copyKeys'> = async ({ ctx, input }) => {
  authorise(ctx, 'copyKeys')
  return startInto(ctx, 'copy', input)
}

export const moveKeys: Verb<'moveKeys'> = async ({ ctx, input }) => {
  authorise(ctx, 'moveKeys')
  return startInto(ctx, 'move', input)
}

export const startKeyExport: Verb<'startKeyExport'> = async ({ ctx, input }) => {
  authorise(ctx, 'startKeyExport')
  await requireRoomForOutput(ctx)
  const { content, ...selection } = input.body
  return start(ctx, { kind: 'export', groupId: input.params.id, parameters: { selection, content } })
}

async function startInto(
  ctx: VerbContext,
  kind: 'copy' | 'move',
  { params, body }: Pick<VerbInput<'copyKeys'>, 'params' | 'body'>,
): Promise<VerbAnswer<Task>> {
  const { to_group_id, ...selection } = body
  const groupId = params.id
  if (to_group_id === groupId) throw wrongField('/to_group_id', 'is the group itself')
  const [to] = await ctx.store.database.group.findMany({ where: { id: to_group_id }, select: { kind: true } })
  if (to?.kind !== 'standard') throw wrongField('/to_group_id', 'is no group that has keys of its own')
  return start(ctx, { kind, groupId, parameters: { selection, to_group_id } })
}

async function start(ctx: VerbContext, { kind, groupId, parameters }: Start): Promise<VerbAnswer<Task>> {
  const { result: id } = await commitChange({ ctx }, (tx) => queueKeyTask(tx, ctx, { kind, groupId, parameters }))
  ctx.onTaskQueued()
  return { value: toTask(await requireTask(ctx.store.sql, id)) }
}

/** In the transaction of whoever wants it done; answers its id. Tell `onTaskQueued` afterwards. */
export async function queueKeyTask(
  tx: ChangeTransaction,
  ctx: VerbContext,
  { kind, groupId, parameters }: Start,
): Promise<number> {
  await requireStandardGroup(tx.sql, groupId)
  const selection = withoutRepeats(parameters.selection)
  const created = await insertTask(tx, ctx, {
    kind,
    groupId,
    state: 'queued',
    parameters: { ...parameters, selection },
    endPosition: await newestKeyId(tx.sql),
    total: await countSelected(tx.sql, groupId, selection),
  })
  const detail = { kind, group_id: groupId, ...shown(parameters) }
  tx.audit({ action: 'task.create', entity: 'task', entityId: created, detail })
  // Found where exports as a download are found.
  if (kind === 'export')
    tx.audit({
      action: 'key.export',
      entity: 'group',
      entityId: groupId,
      detail: { ...shown(parameters), task: created },
    })
  return created
}

function withoutRepeats(selection: KeySelection): KeySelection {
  return selection.ids === undefined ? selection : { ids: [...new Set(selection.ids)] }
}

function shown({ selection, ...parameters }: SelectionParameters | ExportParameters): object {
  const { to_group_id, note, content }: Partial<SelectionParameters & ExportParameters> = parameters
  return {
    ...(selection.ids === undefined ? { filter: selection.filter } : { ids: selection.ids.length }),
    ...(to_group_id === undefined ? {} : { to_group_id }),
    ...(note === undefined || note === '' ? {} : { note }),
    ...(content === undefined ? {} : { content }),
  }
}

/** From the counts that are kept, never by going through a million keys; null = somebody has to look. */
async function countSelected(sql: SqlRunner, groupId: number, { ids, filter }: KeySelection): Promise<number | null> {
  if (ids !== undefined) return ids.length
  const { state, ...rest } = filter ?? {}
  if (Object.values(rest).some((condition) => condition !== undefined)) return null
  const states = state === undefined ? '' : ` AND state IN (${placeholders(state.length)})`
  const [row] = await sql.query<{ total: number | null }>(
    `SELECT SUM(${quoteName(sql, 'count')}) AS total FROM group_key_counts WHERE group_id = ?${states}`,
    [groupId, ...(state ?? [])],
  )
  return Number(row?.total ?? 0)
}
