import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startFakeProvider } from '@gpt-load/testkit/upstreams/fake-provider'
import { until } from '@gpt-load/testkit/until'
import { createGroup } from '../src/admin-client.ts'
import { startClusterDeployment } from '../src/deployment.ts'

const keys = Array.from({ length: 8 }, (_, n) => `sk-resource-${n}-0123456789abcdef`)

test('what a key has made is found with that key on another edge, after its restart, and on an edge that came later', async () => {
  await using provider = await startFakeProvider({ dialect: 'openai' })
  await using deployment = await startClusterDeployment({ edges: 2, configServices: 1, logIngests: 0 })
  const { cluster } = deployment
  const { accessKey } = await createGroup(deployment.admin, {
    name: 'main',
    channel: 'openai-response',
    url: provider.url,
    keys,
  })
  const headers = { authorization: `Bearer ${accessKey.key}`, 'content-type': 'application/json' }
  const [first, second] = cluster.edges
  const made: { id: string; key: string | undefined }[] = []
  for (const _ of keys) {
    const answer = await fetch(`${first!.url}/proxy/main/v1/responses`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ model: 'gpt-4.1-nano', input: 'hi' }),
    })
    const { id } = (await answer.json()) as { id: string }
    made.push({ id, key: provider.requests.at(-1)?.key })
  }
  assert.equal(new Set(made.map(({ key }) => key)).size, keys.length)

  /** Whether every one of them is asked for at its maker: a try elsewhere would be 404 there. */
  const isKnownAt = async (url: string): Promise<boolean> => {
    for (const { id, key } of made) {
      const answer = await fetch(`${url}/proxy/main/v1/responses/${id}`, { headers })
      await answer.arrayBuffer()
      if (answer.status !== 200 || provider.requests.at(-1)?.key !== key) return false
    }
    return true
  }
  const untilKnown = (url: string, what: string) => until(() => isKnownAt(url), { what, timeoutMs: 10_000 })
  await untilKnown(second!.url, 'the second edge to have heard of all')
  await second!.kill()
  await second!.start()
  await untilKnown(second!.url, 'the restarted edge to have heard of all')
  const late = await cluster.addEdge()
  await untilKnown(late.url, 'a late edge to have heard of all')
})
