import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { Kafka, logLevel } from 'kafkajs'
import { createConnection } from 'mariadb'
import type { LogContent } from '@gpt-load/contracts/api/log'
import { startFakeProvider } from '@gpt-load/testkit/upstreams/fake-provider'
import { openContentBatch } from '@gpt-load/transport/log-batch/content-batch'
import { openLogBatch } from '@gpt-load/transport/log-batch/log-batch'
import { until } from '@gpt-load/testkit/until'
import { createGroup, listKeys } from '../src/admin-client.ts'
import type { ClusterDeployment, Deployment } from '../src/deployment.ts'
import { startClusterDeployment, startStandalone } from '../src/deployment.ts'
import { untilLogRows } from '../src/log-rows.ts'

// A canary provider key, access key and body text go through everything that can go right and wrong; then everything that
// the run has produced is searched for them.

const canaryKey = 'sk-CANARYprovider0123456789abcdefCANARY'
const canaryToken = 'gpl-CANARYaccess0123456789abcdefCANARY'
const canaryBody = 'CANARYbodytext-of-the-caller'
/** Has a place in the content log, and nowhere else, once a group records. */
const recordedText = 'RECORDEDtext-of-the-caller'
const canaryMail = 'canary.person@example.com'
const secrets = () => [canaryKey, canaryToken, canaryBody]

describe('secrets and content', () => {
  test('of a cluster appear in no log line, error, metric, header, Kafka message, table or API answer', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    await using deployment = await startClusterDeployment({ edges: 1, configServices: 1 })
    const seen = await provoke(deployment, provider)
    const { cluster } = deployment
    seen.push(['output', cluster.output()])
    for (const { adminUrl, name } of [...cluster.edges, ...cluster.configServices, ...cluster.logIngests]) {
      for (const path of ['/metrics', '/readyz', '/health'])
        seen.push([`${name} ${path}`, await (await fetch(adminUrl + path)).text()])
    }
    await untilLogRows(deployment, 1)
    seen.push(...(await dumpDatabase(deployment)), ...(await dumpKafka(deployment)))
    const ofCluster = [cluster.secrets.authKey, cluster.secrets.edgeToken, cluster.secrets.encryptionKey]
    assertNoSecret(seen, [...secrets(), ...ofCluster])

    await record(deployment)
    const after: Seen = [['output', cluster.output()]]
    for (const { adminUrl, name } of [...cluster.edges, ...cluster.configServices, ...cluster.logIngests])
      for (const path of ['/metrics', '/readyz'])
        after.push([`${name} ${path}`, await (await fetch(adminUrl + path)).text()])
    for (const path of ['/logs', '/audit', '/groups', '/settings', '/logs/reconcile'])
      after.push([path, JSON.stringify(await deployment.admin.get(path))])
    after.push(...(await dumpDatabase(deployment)), ...(await dumpKafka(deployment)))
    assertNoSecret(after, [canaryKey, canaryToken, canaryMail, ...ofCluster])
    assert.deepEqual(placesOf(after, recordedText), [
      `${cluster.topicPrefix}request-content contents`,
      'table request_contents',
    ])
  })

  test('of standalone appear in no log line, answer or file', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    await using deployment = await startStandalone()
    const seen = await provoke(deployment, provider)
    seen.push(['output', deployment.output()])
    await record(deployment)
    await deployment.process.stop()
    const files: Seen = []
    for (const entry of await readdir(deployment.dataDir, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue
      const path = join(entry.parentPath, entry.name)
      files.push([entry.name, (await readFile(path)).toString('latin1')])
    }
    assertNoSecret([...seen, ...files], [...secrets(), canaryMail, deployment.adminKey])
    const places = placesOf([['output', deployment.output()], ...files], recordedText)
    assert.ok(places.length > 0 && places.every((name) => name.startsWith('logs.db')), places.join())
  })
})

type Seen = [where: string, text: string][]

/** Success, refusals, limits, broken answers, wrong inputs; everything that came back. */
async function provoke(deployment: Deployment, provider: Awaited<ReturnType<typeof startFakeProvider>>): Promise<Seen> {
  const { admin } = deployment
  const seen: Seen = []
  const { group } = await createGroup(admin, {
    name: 'canary',
    channel: 'openai',
    url: provider.url,
    // The provider repeats this key whatever it was called with: there is no other one.
    keys: [canaryKey],
    fields: { settings: { max_retries: 1 } },
  })
  await admin.post('/access-keys', { name: 'canary', key: canaryToken, group_ids: [group.id] })
  const url = `${deployment.proxyUrls[0]}/proxy/canary/v1/chat/completions`
  const body = JSON.stringify({ model: 'gpt-4.1-nano', messages: [{ role: 'user', content: canaryBody }] })
  const send = async (
    label: string,
    target = url,
    headers: Record<string, string> = { authorization: `Bearer ${canaryToken}` },
    text = body,
  ) => {
    const response = await fetch(target, {
      method: 'POST',
      body: text,
      headers: { 'content-type': 'application/json', ...headers },
      redirect: 'manual',
    })
    seen.push(
      [`${label} head`, JSON.stringify([...response.headers])],
      [`${label} body`, (await response.text().catch((error: unknown) => String(error))).replaceAll(canaryBody, '')],
    )
  }
  await send('success')
  await send('key in the query', `${url}?key=${canaryToken}`, {})
  for (const status of [400, 403, 404, 429, 500]) {
    const echo = {
      status,
      headers: {
        'content-type': 'application/json',
        location: `https://example.com/?key=${canaryKey}`,
        'x-echo': canaryKey,
      },
      body: JSON.stringify({ error: { message: `Incorrect API key provided: ${canaryKey}`, code: 'some_code' } }),
    }
    provider.everyKey.respond(echo, { times: 4 })
    await send(`upstream ${status}`)
    provider.everyKey.recover()
    for (const { id } of await listKeys(admin, group.id)) await admin.post(`/keys/${id}/restore`)
  }
  provider.everyKey.fault({ kind: 'reset' }, { times: 4 })
  await send('reset')
  provider.everyKey.recover()
  provider.everyKey.respond({ status: 307, headers: { location: `${provider.url}/v1?key=${canaryKey}` } }, { times: 1 })
  await send('redirect')
  await send('wrong access key', url, { authorization: `Bearer ${canaryToken}x` })
  await send('unknown group', url.replace('canary/', 'nowhere/'))
  for (const path of [
    `/groups/${group.id}`,
    `/groups/${group.id}/keys`,
    '/access-keys',
    '/settings',
    '/logs',
    '/edges',
    '/status',
    '/groups',
  ])
    seen.push([path, JSON.stringify(await admin.get(path))])
  for (const { id } of await listKeys(admin, group.id)) {
    seen.push(
      [`key ${id}`, JSON.stringify(await admin.get(`/keys/${id}`))],
      [`test of ${id}`, JSON.stringify(await admin.post(`/keys/${id}/test`))],
    )
  }
  const wrong: [string, unknown][] = [
    ['/groups', { name: canaryKey, channel: canaryToken }],
    [`/groups/${group.id}/keys`, { keys: [`${canaryKey}\u0000`], extra: canaryKey }],
    ['/access-keys', { name: 'canary', key: canaryToken }],
  ]
  for (const [path, input] of wrong) {
    await admin.post(path, input).catch((error: unknown) => seen.push([`refusal of ${path}`, String(error)]))
  }
  return seen
}

/** From here on bodies are recorded: a request whose body repeats every secret that it can. */
async function record({ admin, proxyUrls }: Deployment): Promise<void> {
  const { items } = await admin.get<{ items: { id: number; name: string }[] }>('/groups')
  const { id: groupId } = items.find(({ name }) => name === 'canary') ?? assert.fail('no group')
  for (const { id } of await listKeys(admin, groupId)) await admin.post(`/keys/${id}/restore`)
  const settings = { enable_request_body_logging: true, enable_response_body_logging: true }
  await admin.patch(`/groups/${groupId}`, { settings })
  const content = [recordedText, canaryMail, canaryKey, canaryToken].join(' ')
  const send = async () => {
    const response = await fetch(`${proxyUrls[0]}/proxy/canary/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${canaryToken}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'gpt-4.1-nano', messages: [{ role: 'user', content }] }),
    })
    await response.arrayBuffer()
    return response.headers.get('x-gptload-request-id') ?? ''
  }
  // The first ones may be served before the edge has heard of the setting.
  const recorded = await until(
    async () => {
      const id = await send()
      return until(
        async () => {
          const content = await admin.get<LogContent>(`/logs/${id}/content`)
          return content.request === null ? null : content
        },
        { what: 'its row', timeoutMs: 2_000 },
      )
    },
    { what: 'the recorded body', timeoutMs: 20_000 },
  )
  const [request = '', response = ''] = [recorded.request?.text, recorded.response?.text]
  assert.ok(request.includes(`${recordedText} [email] [key] [key]`), request)
  assert.ok(response.includes('"object"'), response)
}

function placesOf(seen: Seen, text: string): string[] {
  return [...new Set(seen.filter(([, found]) => found.includes(text)).map(([where]) => where))].toSorted()
}

async function dumpDatabase({ cluster }: ClusterDeployment): Promise<Seen> {
  const connection = await createConnection({
    host: cluster.databaseServer.host,
    port: cluster.databaseServer.port,
    user: 'root',
    database: cluster.databaseName,
  })
  const tables = (await connection.query('SHOW TABLES')) as Record<string, string>[]
  const seen: Seen = []
  for (const table of tables.flatMap((row) => Object.values(row))) {
    const rows = (await connection.query(`SELECT * FROM \`${table}\``)) as Record<string, unknown>[]
    const text = rows.map((row) =>
      Object.values(row)
        .map((value) => (Buffer.isBuffer(value) ? value.toString('latin1') : String(value)))
        .join('|'),
    )
    seen.push([`table ${table}`, text.join('\n')])
  }
  await connection.end()
  return seen
}

async function dumpKafka({ cluster }: ClusterDeployment): Promise<Seen> {
  const kafka = new Kafka({ clientId: 'canary', brokers: cluster.kafka.brokers, logLevel: logLevel.NOTHING })
  const admin = kafka.admin()
  await admin.connect()
  const topics = (await admin.listTopics()).filter((topic) => topic.startsWith(cluster.topicPrefix))
  let expected = 0
  for (const topic of topics) for (const { offset } of await admin.fetchTopicOffsets(topic)) expected += Number(offset)
  await admin.disconnect()
  assert.ok(expected > 0, 'Kafka holds batches')
  const seen: Seen = []
  // A group of its own: it reads from the beginning.
  const consumer = kafka.consumer({ groupId: `canary-${randomUUID()}`, maxWaitTimeInMs: 200 })
  await consumer.connect()
  await consumer.subscribe({ topics, fromBeginning: true })
  const all = Promise.withResolvers<void>()
  await consumer.run({
    eachMessage: async ({ topic, message }) => {
      const value = message.value ?? Buffer.alloc(0)
      seen.push([topic, value.toString('latin1')], [`${topic} headers`, JSON.stringify(message.headers)])
      const batch = openLogBatch(value)
      if ('events' in batch) seen.push([`${topic} events`, JSON.stringify(batch.events)])
      const { records } = openContentBatch(value)
      if (records.length > 0) seen.push([`${topic} contents`, JSON.stringify(records)])
      if (--expected === 0) all.resolve()
    },
  })
  await all.promise
  await consumer.disconnect()
  return seen
}

function assertNoSecret(seen: Seen, forbidden: readonly string[]): void {
  assert.ok(seen.length > 20)
  const needles = forbidden.flatMap((secret) => [
    secret,
    Buffer.from(secret).toString('base64').replace(/=+$/, ''),
    Buffer.from(secret).toString('hex'),
  ])
  const found = seen.filter(([, text]) => needles.some((needle) => text.includes(needle))).map(([where]) => where)
  assert.deepEqual(found, [])
}
