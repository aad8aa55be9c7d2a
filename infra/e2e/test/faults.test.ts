import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { startFakeProvider } from '@gpt-load/testkit/upstreams/fake-provider'
import { until } from '@gpt-load/testkit/until'
import { createGroup, listKeys } from '../src/admin-client.ts'
import { startClusterDeployment } from '../src/deployment.ts'
import type { ClusterDeployment } from '../src/deployment.ts'
import { untilStored } from '../src/edge-metrics.ts'
import { startLoad } from '../src/load.ts'
import { untilLogRows } from '../src/log-rows.ts'

// Cables pulled under traffic, on real parts. Long forms (npm run soak) are the same with larger numbers.

const isLong = process.env['GPTLOAD_TEST_LONG'] === '1'
const outageMs = isLong ? 20_000 : 3_000
const keys = Array.from({ length: 10 }, (_, n) => `sk-fault-key-${n}-0123456789abcdef`)
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

async function open(options: Parameters<typeof startClusterDeployment>[0] = {}) {
  const provider = await startFakeProvider({ dialect: 'openai', maxRecordedRequests: 0 })
  const deployment = await startClusterDeployment({ edges: 2, configServices: 2, ...options })
  const { group, accessKey } = await createGroup(deployment.admin, {
    name: 'main',
    channel: 'openai',
    url: provider.url,
    keys,
  })
  let turn = 0
  const load = (perSecond = 200) =>
    startLoad({
      url: () => `${deployment.proxyUrls[turn++ % deployment.proxyUrls.length]}/proxy/main`,
      token: accessKey.key,
      perSecond,
    })
  return {
    provider,
    deployment,
    group,
    accessKey,
    load,
    async [Symbol.asyncDispose]() {
      await deployment[Symbol.asyncDispose]()
      await provider.close()
    },
  }
}

describe('cables pulled under traffic', () => {
  test('Kafka killed and back: no failed request, and as many rows as requests', async () => {
    await using system = await open()
    const load = system.load()
    await pause(1_000)
    await system.deployment.cluster.kafka.kill('SIGKILL')
    await pause(outageMs)
    await system.deployment.cluster.kafka.restart()
    await pause(1_000)
    await expectAllStored(system.deployment, load)
  })

  test('MariaDB killed and back: no failed request, and as many rows as requests', async () => {
    await using system = await open()
    const load = system.load()
    await pause(1_000)
    await system.deployment.cluster.databaseServer.kill('SIGKILL')
    await pause(outageMs)
    await system.deployment.cluster.databaseServer.restart()
    await pause(1_000)
    await expectAllStored(system.deployment, load)
  })

  test('log-ingest killed in mid-batch again and again, two instances: no row lost, none twice', async () => {
    await using system = await open({ logIngests: 2, logIngestEnv: { KAFKA_SESSION_TIMEOUT: '6s' } })
    const load = system.load(400)
    for (let round = 0; round < (isLong ? 10 : 2); round += 1) {
      const victim = system.deployment.cluster.logIngests[round % 2]!
      await pause(1_000)
      await victim.kill()
      await victim.start()
    }
    await expectAllStored(system.deployment, load)
  })

  test('an instance that is stopped past its session and wakes stores nothing twice', async () => {
    await using system = await open({ logIngests: 2, logIngestEnv: { KAFKA_SESSION_TIMEOUT: '6s' } })
    const load = system.load()
    await pause(1_000)
    const zombie = system.deployment.cluster.logIngests[0]!
    zombie.process.signal('SIGSTOP')
    await pause(isLong ? 20_000 : 8_000)
    zombie.process.signal('SIGCONT')
    await pause(1_000)
    await expectAllStored(system.deployment, load)
  })

  test('config-service killed: edges serve, a fresh edge starts from what was stored, the outbox is delivered once', async () => {
    await using system = await open()
    const { deployment, provider, group, accessKey } = system
    await untilStored(deployment)
    for (const service of deployment.cluster.configServices) await service.kill()
    provider.key(keys[2]!).revoke()
    const load = system.load()
    const fresh = await deployment.cluster.addEdge()
    const answer = await fetch(`${fresh.url}/proxy/main/v1/models`, {
      headers: { authorization: `Bearer ${accessKey.key}` },
    })
    assert.equal(answer.status, 200, await answer.text())
    await pause(1_000)
    for (const service of deployment.cluster.configServices) await service.start()
    await until(async () => (await listKeys(deployment.admin, group.id)).some(({ state }) => state === 'invalid'), {
      what: 'the outbox to arrive',
      timeoutMs: 15_000,
    })
    const dead = (await listKeys(deployment.admin, group.id)).filter(({ state }) => state === 'invalid')
    assert.equal(dead.length, 1)
    const detail = await deployment.admin.get<{ history: { applied: boolean; cause: { request_id?: string } }[] }>(
      `/keys/${dead[0]!.id}`,
    )
    const transitions = detail.history.map(({ cause }) => cause.request_id)
    assert.equal(new Set(transitions).size, transitions.length, 'each transition once')
    await expectAllStored(deployment, load)
  })

  test('an edge ended by SIGTERM under streams, behind a balancer that lags 2 s: 0 failed requests, every stream ends whole', async () => {
    await using system = await open({ edgeEnv: { DRAIN_DELAY_MS: '3000', SERVER_GRACEFUL_SHUTDOWN_TIMEOUT: '20s' } })
    const { deployment, provider, accessKey } = system
    Object.assign(provider.stream, { chunks: 40, intervalMs: 100 })
    const [leaving, staying] = deployment.cluster.edges
    let isOut = false
    let turn = 0
    // The balancer goes on sending to the leaving edge for 2 s after it was told.
    const target = () => (turn++ % 2 === 0 && !isOut ? leaving!.url : staying!.url)
    const streams = Array.from({ length: 10 }, () => readStream(`${leaving!.url}/proxy/main`, accessKey.key))
    const load = startLoad({ url: () => `${target()}/proxy/main`, token: accessKey.key, perSecond: 100 })
    await pause(500)
    leaving!.process.signal('SIGTERM')
    await pause(2_000)
    isOut = true
    const texts = await Promise.all(streams)
    for (const text of texts) assert.match(text, /data: \[DONE\]\n\n$/)
    const exit = await leaving!.process.exit
    assert.equal(exit.code, 0)
    const { failures, ok } = await load.stop()
    assert.deepEqual(failures, [])
    const { rows, requests } = await untilLogRows(deployment, ok + texts.length)
    assert.deepEqual([rows, requests], [ok + texts.length, ok + texts.length])
  })
})

async function readStream(url: string, token: string): Promise<string> {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'gpt-4.1-nano', stream: true, messages: [{ role: 'user', content: 'hi' }] }),
  })
  return response.text()
}

async function expectAllStored(deployment: ClusterDeployment, load: ReturnType<typeof startLoad>): Promise<void> {
  const { failures, ok, sent } = await load.stop()
  assert.deepEqual(failures.slice(0, 5), [])
  assert.equal(ok, sent)
  // Other calls of the drill are logged too, so rows may exceed the load; none may be missing or twice.
  const { rows, requests } = await untilLogRows(deployment, sent)
  assert.equal(rows, requests, 'a row is there twice')
  process.stdout.write(`measured: ${sent} requests, ${rows} rows\n`)
}
