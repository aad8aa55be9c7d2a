import { keyImportTypes, type KeyImportType, type Task } from '@gpt-load/contracts/api/task'
import { databaseNowMs } from '@gpt-load/database/sql-runner'
import { authorise } from '../authorise.ts'
import { ApiProblem } from '../http/api-problem.ts'
import { requireStandardGroup } from '../keys/insert-keys.ts'
import { commitChange } from '../truth/commit.ts'
import type { VerbAnswer, VerbContext, VerbInput } from '../verb.ts'
import { insertTask } from './create-task.ts'
import { receivingLeaseMs, storeInput } from './import-input.ts'
import { readKeyLines } from './read-key-lines.ts'
import { requireTask, toTask } from './task-row.ts'

/**
 * Takes keys in, however many: stored sealed as they come, added when all are there. A body that breaks off adds nothing,
 * and leaves nothing.
 */
export async function importKeys({
  ctx,
  input,
}: {
  ctx: VerbContext
  input: Pick<VerbInput<'importKeys'>, 'params' | 'query' | 'upload'>
}): Promise<VerbAnswer<Task>> {
  authorise(ctx, 'importKeys')
  const { upload } = input
  const type = keyImportTypes.find((known) => known === upload?.type)
  if (upload === null || type === undefined) throw new ApiProblem('bad_request', 'There is no body.')
  const id = await openTask(ctx, input)
  try {
    await receive(ctx, id, upload.bytes, type)
  } catch (error) {
    await ctx.store.sql.execute(`DELETE FROM tasks WHERE id = ? AND state = 'receiving'`, [id]).catch(() => {})
    throw error
  }
  ctx.onTaskQueued()
  return { value: toTask(await requireTask(ctx.store.sql, id)) }
}

async function openTask(
  ctx: VerbContext,
  { params, query }: Pick<VerbInput<'importKeys'>, 'params' | 'query'>,
): Promise<number> {
  const { note = '', weight = 1 } = query
  return ctx.store.write(async (transaction) => {
    const { sql } = transaction
    await requireStandardGroup(sql, params.id)
    const id = await insertTask(transaction, ctx, {
      kind: 'import',
      groupId: params.id,
      state: 'receiving',
      parameters: { note, weight },
      endPosition: 0,
      total: 0,
    })
    await sql.execute(`UPDATE tasks SET lease_until = ${databaseNowMs(sql.dialect)} + ? WHERE id = ?`, [
      receivingLeaseMs,
      id,
    ])
    return id
  })
}

async function receive(
  ctx: VerbContext,
  id: number,
  bytes: AsyncIterable<Uint8Array>,
  type: KeyImportType,
): Promise<void> {
  const entries = await storeInput(ctx, id, readKeyLines(bytes, type))
  if (entries === 0) throw new ApiProblem('bad_request', 'The body holds no key.')
  await commitChange({ ctx }, async (tx) => {
    const queued = await tx.sql.execute(
      `UPDATE tasks SET state = 'queued', lease_until = 0 WHERE id = ? AND state = 'receiving'`,
      [id],
    )
    if (queued === 0) throw new ApiProblem('conflict', 'The task was ended while its keys came in.')
    tx.audit({ action: 'task.create', entity: 'task', entityId: id, detail: { kind: 'import', entries } })
  })
}
