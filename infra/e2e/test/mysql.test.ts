import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ensureMysql } from '@gpt-load/testkit/servers/mysql-server'
import { startFakeProvider } from '@gpt-load/testkit/upstreams/fake-provider'
import { until } from '@gpt-load/testkit/until'
import { createGroup, listKeys } from '../src/admin-client.ts'
import { startClusterDeployment } from '../src/deployment.ts'
import { untilLogRows } from '../src/log-rows.ts'

// All other suites of the cluster run on MariaDB: here config-service and log-ingest have MySQL behind them.

const installation = await ensureMysql()
const skip = 'missing' in installation && installation.missing
const [dead, good] = ['sk-dead-0123456789abcdef', 'sk-good-0123456789abcdef'] as const
const requests = 40

type Summary = { current: { requests: number; failures: number; rescued: number; tokens: { input: number } } }
type LogRow = { request_id: string; status: number; group_name: string; tokens: { input: number } }

test(
  'on MySQL requests go through, a refused key is put aside, and rows, sums and counts tell of it, over a restart of MySQL',
  { skip },
  async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    await using deployment = await startClusterDeployment({ database: 'mysql', edges: 1, configServices: 2 })
    const { admin, proxyUrls } = deployment
    provider.key(dead).revoke()
    const { group, accessKey } = await createGroup(admin, {
      name: 'main',
      channel: 'openai',
      url: provider.url,
      keys: [dead, good],
      fields: { settings: { blacklist_threshold: 1 } },
    })
    const send = async () => {
      const response = await fetch(`${proxyUrls[0]}/proxy/main/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${accessKey.key}`, 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'gpt-4.1-nano', messages: [{ role: 'user', content: 'hi' }] }),
      })
      assert.equal(response.status, 200, await response.text())
    }
    for (let sent = 0; sent < requests / 2; sent += 1) await send()
    // In an orderly way: then MySQL says to its clients that it ends.
    const restarted = deployment.cluster.databaseServer.restart()
    for (let sent = requests / 2; sent < requests; sent += 1) await send()
    await restarted

    await until(async () => (await listKeys(admin, group.id)).some(({ state }) => state === 'invalid'), {
      what: 'the refused key to be put aside',
    })
    const { key_counts: counts } = await admin.get<{ key_counts: Record<string, number> }>(`/groups/${group.id}`)
    assert.deepEqual([counts['total'], counts['active'], counts['invalid']], [2, 1, 1])

    assert.deepEqual(await untilLogRows(deployment, requests), { rows: requests, requests })
    const { items } = await admin.get<{ items: LogRow[] }>(`/logs?group_id=${group.id}&limit=100`)
    assert.equal(items.length, requests)
    assert.ok(items.every(({ status, group_name: name }) => status === 200 && name === 'main'))
    const input = items.reduce((sum, { tokens }) => sum + tokens.input, 0)
    assert.ok(input > 0)
    const { current } = await admin.get<Summary>(`/stats/summary?group_id=${group.id}`)
    assert.deepEqual([current.requests, current.failures, current.tokens.input], [requests, 0, input])
    assert.ok(current.rescued >= 1)
  },
)
