import { keyEventAckSchema, type KeyEventAck, type KeyEventPost } from '@gpt-load/contracts/key-event'
import { bulkInsert } from '@gpt-load/database/bulk-insert'
import type { SqlRunner } from '@gpt-load/database/sql-runner'

/** The number of an edge's last post and what was answered, in the edge's row: how a resend is recognised. */
type PostRow = { last_post: number; last_post_ack: string }

/** The acknowledgement to repeat, null for a new post. Holds the edge's row: its posts come one after another. */
export async function lockEdgePost(
  sql: SqlRunner,
  { edge, instance, epoch, number }: KeyEventPost,
  nowMs: number,
): Promise<KeyEventAck | null> {
  const row = (await lockRow(sql, instance)) ?? (await createRow(sql, edge, instance, epoch, nowMs))
  if (row.last_post < number) return null
  const last = keyEventAckSchema.parse(JSON.parse(row.last_post_ack))
  // One is in flight at a time, so a lower number is a very late duplicate: its answer has been taken long ago.
  return { ...last, number }
}

async function lockRow(sql: SqlRunner, instance: string): Promise<PostRow | undefined> {
  const lock = sql.dialect === 'mysql' ? ' FOR UPDATE' : ''
  const [row] = await sql.query<PostRow>(`SELECT last_post, last_post_ack FROM edges WHERE instance = ?${lock}`, [
    instance,
  ])
  return row
}

/** Events may come before the first report, or at the same moment. */
async function createRow(
  sql: SqlRunner,
  edge: string,
  instance: string,
  epoch: string,
  nowMs: number,
): Promise<PostRow> {
  await bulkInsert(sql, {
    table: 'edges',
    columns: ['instance', 'name', 'version', 'epoch', 'revision', 'report', 'started_at', 'reported_at'],
    // Not reported yet, so it does not count as reachable.
    rows: [[instance, edge, '', epoch, 0, '{}', nowMs, 0]],
    ignoreDuplicates: true,
  })
  return (await lockRow(sql, instance)) ?? { last_post: 0, last_post_ack: '' }
}

export async function storeEdgePost(sql: SqlRunner, { instance }: KeyEventPost, ack: KeyEventAck): Promise<void> {
  await sql.execute('UPDATE edges SET last_post = ?, last_post_ack = ? WHERE instance = ?', [
    ack.number,
    JSON.stringify(ack),
    instance,
  ])
}
