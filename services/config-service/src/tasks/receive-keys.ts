import { keyImportTypes, type Task } from '@gpt-load/contracts/api/task'
import { databaseNowMs } from '@gpt-load/database/sql-runner'
import { authorise } from '../authorise.ts'
import { ApiProblem } from '../http/api-problem.ts'
import type { Upload } from '../http/read-upload.ts'
import { requireStandardGroup } from '../keys/insert-keys.ts'
import { commitChange } from '../truth/commit.ts'
import type { VerbAnswer, VerbContext, VerbInput } from '../verb.ts'
import { insertTask, type NewTask } from './create-task.ts'
import { entriesPerImport, receivingLeaseMs, storeInput } from './import-input.ts'
import type { ImportEntry } from './key-entry.ts'
import { readKeyLines } from './read-key-lines.ts'
import { changedPerChunk } from './selection-chunk.ts'
import { requireTask, toTask } from './task-row.ts'

/**
 * Takes keys in, however many: stored sealed as they come, added or deleted when all are there. A body that breaks off changes
 * nothing, and leaves nothing.
 */
export async function importKeys({
  ctx,
  input,
}: {
  ctx: VerbContext
  input: Pick<VerbInput<'importKeys'>, 'params' | 'query' | 'upload'>
}): Promise<VerbAnswer<Task>> {
  authorise(ctx, 'importKeys')
  const { note = '', weight = 1 } = input.query
  const task = { kind: 'import', groupId: input.params.id, parameters: { note, weight } } as const
  return receiveKeys(ctx, { ...task, upload: input.upload, perPart: entriesPerImport[ctx.store.dialect] })
}

export async function deleteListedKeys({
  ctx,
  input,
}: {
  ctx: VerbContext
  input: Pick<VerbInput<'deleteListedKeys'>, 'params' | 'upload'>
}): Promise<VerbAnswer<Task>> {
  authorise(ctx, 'deleteListedKeys')
  const task = { kind: 'delete', groupId: input.params.id, parameters: { is_listed: true } } as const
  return receiveKeys(ctx, { ...task, upload: input.upload, perPart: changedPerChunk[ctx.store.dialect] })
}

type Received = Pick<NewTask, 'kind' | 'groupId' | 'parameters'> & {
  upload: Upload | null
  /** Keys that one transaction changes. */
  perPart: number
}

async function receiveKeys(ctx: VerbContext, received: Received): Promise<VerbAnswer<Task>> {
  const entries = entriesOf(received.upload)
  const id = await openTask(ctx, received)
  try {
    await receive(ctx, id, { ...received, entries })
  } catch (error) {
    await ctx.store.sql.execute(`DELETE FROM tasks WHERE id = ? AND state = 'receiving'`, [id]).catch(() => {})
    throw error
  }
  ctx.onTaskQueued()
  return { value: toTask(await requireTask(ctx.store.sql, id)) }
}

export function entriesOf(upload: Upload | null): AsyncIterable<ImportEntry> {
  const type = keyImportTypes.find((known) => known === upload?.type)
  if (upload === null || type === undefined) throw new ApiProblem('bad_request', 'There is no body.')
  return readKeyLines(upload.bytes, type)
}

async function openTask(ctx: VerbContext, { kind, groupId, parameters }: Received): Promise<number> {
  return ctx.store.write(async (transaction) => {
    const { sql } = transaction
    await requireStandardGroup(sql, groupId)
    const counts = { endPosition: 0, total: 0 }
    const id = await insertTask(transaction, ctx, { kind, groupId, state: 'receiving', parameters, ...counts })
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
  { kind, entries: given, perPart }: Received & { entries: AsyncIterable<ImportEntry> },
): Promise<void> {
  const entries = await storeInput(ctx, id, { entries: given, perPart })
  if (entries === 0) throw new ApiProblem('bad_request', 'The body holds no key.')
  await commitChange({ ctx }, async (tx) => {
    const queued = await tx.sql.execute(
      `UPDATE tasks SET state = 'queued', lease_until = 0 WHERE id = ? AND state = 'receiving'`,
      [id],
    )
    if (queued === 0) throw new ApiProblem('conflict', 'The task was ended while its keys came in.')
    tx.audit({ action: 'task.create', entity: 'task', entityId: id, detail: { kind, entries } })
  })
}
