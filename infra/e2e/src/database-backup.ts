import { createConnection, type Connection } from 'mariadb'
import type { ClusterDeployment } from './deployment.ts'

/** The database as it is now, as a backup holds it; `restore` puts it back while nobody uses the database. */
export async function backUpDatabase({ cluster }: ClusterDeployment): Promise<{ restore(): Promise<void> }> {
  const { databaseName } = cluster
  const backup = `${databaseName}_backup`
  const run = async (work: (connection: Connection, tables: readonly Table[]) => Promise<void>): Promise<void> => {
    const { host, port } = cluster.databaseServer
    const connection = await createConnection({ host, port, user: 'root' })
    try {
      const tables = (await connection.query(storedColumns, [databaseName])) as Table[]
      await connection.query('SET SESSION foreign_key_checks = 0, group_concat_max_len = 65536')
      await work(connection, tables)
    } finally {
      await connection.end()
    }
  }
  await run(async (connection, tables) => {
    await connection.query(`CREATE DATABASE ${backup}`)
    for (const { name, columns } of tables) {
      await connection.query(`CREATE TABLE ${backup}.${name} LIKE ${databaseName}.${name}`)
      await connection.query(copyRows({ from: databaseName, to: backup, name, columns }))
    }
  })
  return {
    restore: () =>
      run(async (connection, tables) => {
        await connection.beginTransaction()
        for (const { name, columns } of tables) {
          await connection.query(`DELETE FROM ${databaseName}.${name}`)
          await connection.query(copyRows({ from: backup, to: databaseName, name, columns }))
        }
        await connection.commit()
      }),
  }
}

type Table = { name: string; columns: string }

/** Without those that the server computes. */
const storedColumns =
  "SELECT TABLE_NAME AS name, GROUP_CONCAT('`', COLUMN_NAME, '`' ORDER BY ORDINAL_POSITION) AS columns " +
  "FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ? AND COALESCE(GENERATION_EXPRESSION, '') = '' GROUP BY TABLE_NAME"

function copyRows({ from, to, name, columns }: Table & { from: string; to: string }): string {
  return `INSERT INTO ${to}.${name} (${columns}) SELECT ${columns} FROM ${from}.${name}`
}
