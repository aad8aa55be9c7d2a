import type { DatabaseHandle } from '@gpt-load/database/database-handle'
import type { Keyring } from '@gpt-load/database/keyring'
import { databaseNowMs } from '@gpt-load/database/sql-runner'
import type { Clock } from '@gpt-load/service-kit/clock'
import { ApiProblem } from '../http/api-problem.ts'
import type { ImportEntry } from './key-entry.ts'

/**
 * The keys of a task between the request that brings them and the chunks that work on them: sealed parts in the database, so
 * that any replica can go on and nothing is in clear outside of memory. A part is what one transaction changes.
 */
export type InputServices = { store: DatabaseHandle; keyring: Keyring; clock: Pick<Clock, 'monotonicMs'> }

/** A write transaction on SQLite may last 50 ms; 500 keys take about 8 ms. */
export const entriesPerImport = { mysql: 5_000, sqlite: 2_000 } as const
/** Far below what a server takes in one statement. */
const maxPartLength = 524_288
/** A slow stream shows that it lives. */
const maxPartAgeMs = 20_000
/** A receiver that is silent for so long was killed; stalled sockets are cut after 2 minutes. */
export const receivingLeaseMs = 300_000

/** Answers how many entries there were. Throws `conflict` when the task was cancelled meanwhile. */
export async function storeInput(
  services: InputServices,
  taskId: number,
  { entries, perPart }: { entries: AsyncIterable<ImportEntry>; perPart: number },
): Promise<number> {
  const { clock } = services
  let [ordinal, total, length, since] = [0, 0, 0, clock.monotonicMs()]
  let part: ImportEntry[] = []
  const flush = async (): Promise<void> => {
    await storePart(services, taskId, ordinal, part)
    ordinal += 1
    total += part.length
    ;[part, length, since] = [[], 0, clock.monotonicMs()]
  }
  for await (const entry of entries) {
    length += 'key' in entry ? entry.key.length + (entry.note?.length ?? 0) : 0
    part.push(entry)
    const isFull = part.length >= perPart || length >= maxPartLength
    if (isFull || clock.monotonicMs() - since > maxPartAgeMs) await flush()
  }
  if (part.length > 0) await flush()
  return total
}

async function storePart(
  { store, keyring }: InputServices,
  taskId: number,
  ordinal: number,
  part: readonly ImportEntry[],
): Promise<void> {
  const sealed = keyring.seal(JSON.stringify(part), purposeOf(taskId, ordinal))
  await store.write(async ({ sql }) => {
    const open = await sql.execute(
      `UPDATE tasks SET end_position = ?, total = total + ?, lease_until = ${databaseNowMs(sql.dialect)} + ?
       WHERE id = ? AND state = 'receiving'`,
      [ordinal + 1, part.length, receivingLeaseMs, taskId],
    )
    if (open === 0) throw new ApiProblem('conflict', 'The task was ended while its keys came in.')
    await sql.execute('INSERT INTO task_inputs (task_id, ordinal, sealed) VALUES (?, ?, ?)', [taskId, ordinal, sealed])
  })
}

/** Empty when there is no such part. */
export async function openPart(
  { store, keyring }: Pick<InputServices, 'store' | 'keyring'>,
  taskId: number,
  ordinal: number,
): Promise<ImportEntry[]> {
  const [row] = await store.sql.query<{ sealed: Uint8Array }>(
    'SELECT sealed FROM task_inputs WHERE task_id = ? AND ordinal = ?',
    [taskId, ordinal],
  )
  if (row === undefined) return []
  return JSON.parse(keyring.open(row.sealed, purposeOf(taskId, ordinal)).toString('utf8')) as ImportEntry[]
}

function purposeOf(taskId: number, ordinal: number): string {
  return `task_input.${taskId}.${ordinal}`
}
