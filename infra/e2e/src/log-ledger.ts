import { createConnection } from 'mariadb'
import { Kafka, logLevel } from 'kafkajs'
import { logTopic } from '@gpt-load/contracts/log-event'
import { openLogBatch } from '@gpt-load/transport/log-batch/log-batch'
import type { ClusterDeployment } from './deployment.ts'

/** What is known of a group's requests at two places of the pipeline, read apart from the product's own readers. */
export type LedgerEntry = { requests: number; distinct: number; tokensInput: number; tokensOutput: number }

/** Rows and rollups of a group, by plain SQL. */
export async function readStored(
  deployment: ClusterDeployment,
  groupId: number,
): Promise<{ rows: LedgerEntry; rollups: Omit<LedgerEntry, 'distinct'> }> {
  return withSql(deployment, async (query) => {
    const rows = await query(
      'SELECT COUNT(*) n, COUNT(DISTINCT request_id) d, SUM(tokens_input) i, SUM(tokens_output) o FROM request_logs WHERE group_id = ?',
      [groupId],
    )
    const rollups = await query(
      'SELECT SUM(requests) n, SUM(tokens_input) i, SUM(tokens_output) o FROM request_rollups WHERE span = 86400 AND group_id = ?',
      [groupId],
    )
    const sums = (row: SqlRow) => ({
      requests: Number(row['n']),
      tokensInput: Number(row['i']),
      tokensOutput: Number(row['o']),
    })
    return {
      rows: { ...sums(rows[0] ?? {}), distinct: Number(rows[0]?.['d']) },
      rollups: sums(rollups[0] ?? {}),
    }
  })
}

/** Which of a group's requests have a row. */
export async function readStoredIds(deployment: ClusterDeployment, groupId: number): Promise<ReadonlySet<string>> {
  const rows = await withSql(deployment, (query) =>
    query('SELECT request_id FROM request_logs WHERE group_id = ?', [groupId]),
  )
  return new Set(rows.map((row) => String(row['request_id'])))
}

export type StreamLedger = {
  records: number
  /** Records whose identity was there before. */
  copies: number
  byGroup: ReadonlyMap<number, LedgerEntry>
}

/** Everything that the topic holds, copies of a batch counted once. */
export async function readStream({ cluster }: ClusterDeployment): Promise<StreamLedger> {
  const topic = cluster.topicPrefix + logTopic
  const kafka = new Kafka({ brokers: cluster.kafka.brokers, clientId: 'ledger', logLevel: logLevel.NOTHING })
  const expected = await cluster.kafka.recordCount(topic)
  const seen = new Set<string>()
  const events = new Map<number, LedgerEntry>()
  const ids = new Set<string>()
  let records = 0
  const whole = Promise.withResolvers<void>()
  const take = (bytes: Uint8Array) => {
    records += 1
    const batch = openLogBatch(bytes)
    if ('poison' in batch) throw new Error(`the topic holds a record that cannot be read: ${batch.poison}`)
    const identity = `${batch.identity.source}:${batch.identity.firstSequence}`
    if (!seen.has(identity)) for (const entry of batch.events) if (entry.ok) addEvent(events, ids, entry.event)
    seen.add(identity)
    if (records === expected) whole.resolve()
  }
  const consumer = kafka.consumer({ groupId: `ledger-${process.pid}`, maxWaitTimeInMs: 200 })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({ eachMessage: async ({ message }) => take(message.value ?? new Uint8Array()) })
  if (expected > 0) await whole.promise
  await consumer.disconnect()
  return { records, copies: records - seen.size, byGroup: events }
}

function addEvent(
  groups: Map<number, LedgerEntry>,
  ids: Set<string>,
  event: { groupId: number; requestId: string; tokens: { input: number; output: number } },
): void {
  const entry = groups.get(event.groupId) ?? { requests: 0, distinct: 0, tokensInput: 0, tokensOutput: 0 }
  groups.set(event.groupId, entry)
  entry.requests += 1
  if (!ids.has(event.requestId)) entry.distinct += 1
  ids.add(event.requestId)
  entry.tokensInput += Math.max(0, event.tokens.input)
  entry.tokensOutput += Math.max(0, event.tokens.output)
}

type SqlRow = Record<string, unknown>

async function withSql<T>(
  { cluster }: ClusterDeployment,
  use: (query: (text: string, values: unknown[]) => Promise<SqlRow[]>) => Promise<T>,
): Promise<T> {
  const { host, port } = cluster.databaseServer
  const connection = await createConnection({
    host,
    port,
    user: 'root',
    database: cluster.databaseName,
    bigIntAsNumber: true,
  })
  try {
    return await use((text, values) => connection.query(text, values) as Promise<SqlRow[]>)
  } finally {
    await connection.end()
  }
}
