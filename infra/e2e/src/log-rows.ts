import { createConnection } from 'mariadb'
import type { ClusterDeployment } from './deployment.ts'
import { until } from '@gpt-load/testkit/until'

/** Counts over the log tables of a cluster, by plain SQL: what an operator would see. */
export async function countLogRows(deployment: ClusterDeployment): Promise<{ rows: number; requests: number }> {
  const { databaseServer, databaseName } = deployment.cluster
  const connection = await createConnection({
    host: databaseServer.host,
    port: databaseServer.port,
    user: 'root',
    database: databaseName,
    bigIntAsNumber: true,
  })
  try {
    const [row] = (await connection.query(
      'SELECT COUNT(*) AS n, COUNT(DISTINCT request_id) AS d FROM request_logs',
    )) as { n: number; d: number }[]
    return { rows: Number(row?.n), requests: Number(row?.d) }
  } finally {
    await connection.end()
  }
}

/** Waits until so many rows are there, then makes sure that it stays at that. */
export async function untilLogRows(
  deployment: ClusterDeployment,
  expected: number,
  timeoutMs = 60_000,
): Promise<{ rows: number; requests: number }> {
  let seen = { rows: -1, requests: -1 }
  await until(
    async () => {
      seen = await countLogRows(deployment).catch(() => seen)
      return seen.rows >= expected
    },
    { what: `${expected} log rows`, timeoutMs },
  ).catch((error: unknown) => {
    throw new Error(`${(error as Error).message}; there are ${seen.rows} rows of ${seen.requests} requests`)
  })
  await new Promise((resolve) => setTimeout(resolve, 500))
  return countLogRows(deployment)
}
