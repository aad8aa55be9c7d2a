import type { SqlRunner } from '@gpt-load/database/sql-runner'

/** Where the database is: revisions are compared only within an epoch. */
export type Position = { epoch: string; revision: number }

export async function readPosition(sql: Pick<SqlRunner, 'query'>): Promise<Position> {
  const [row] = await sql.query<Position>(
    'SELECT i.epoch AS epoch, c.value AS revision FROM installation i, revision_counter c WHERE i.id = 1 AND c.id = 1',
  )
  if (row === undefined) throw new Error('the installation row is missing: openKeyring makes it')
  return { epoch: row.epoch, revision: row.revision }
}
