import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import {
  captureDialect,
  captureNames,
  CAPTURES_MISSING,
  capturesAvailable,
  frameChunks,
  framingOf,
  loadCapture,
} from '@gpt-load/testkit/upstreams/capture-files'
import { startFakeProvider } from '@gpt-load/testkit/upstreams/fake-provider'
import type { FakeProvider } from '@gpt-load/testkit/upstreams/fake-provider'
import { createGroup } from '../src/admin-client.ts'
import { startStandalone } from '../src/deployment.ts'
import type { Standalone } from '../src/deployment.ts'

describe('recorded provider traffic', { skip: capturesAvailable() ? false : CAPTURES_MISSING }, () => {
  let deployment: Standalone
  const providers = new Map<string, FakeProvider>()
  const tokens = new Map<string, string>()
  before(async () => {
    deployment = await startStandalone()
    for (const dialect of ['openai', 'openai-response', 'anthropic', 'gemini', 'azure-openai'] as const) {
      const provider = await startFakeProvider({ dialect })
      providers.set(dialect, provider)
      const fields = { settings: { max_retries: 0 } }
      const { accessKey } = await createGroup(deployment.admin, {
        name: dialect,
        channel: dialect,
        url: provider.url,
        keys: [`${dialect}-key-0001`],
        fields,
      })
      tokens.set(dialect, accessKey.key)
    }
  })
  after(async () => {
    await deployment?.[Symbol.asyncDispose]()
    for (const provider of providers.values()) await provider.close()
  })

  for (const name of capturesAvailable() ? captureNames() : []) {
    const dialect = captureDialect(name)
    test(`${name} arrives through ${dialect} byte for byte, however it is cut`, async () => {
      const isStream = name.endsWith('.chunks.txt')
      const bytes = isStream ? Buffer.concat(frameChunks(name)) : loadCapture(name)
      const status = /429/.test(name) ? 429 : /^openai-error\.1\.json$/.test(name) ? 429 : 200
      for (const chunkSizes of [[1_000_000], [1, 7, 13], [61]]) {
        const contentType = isStream && framingOf(name) !== 'gemini-array' ? 'text/event-stream' : 'application/json'
        providers.get(dialect)!.everyKey.recover()
        providers.get(dialect)!.replay(bytes, { status, headers: { 'content-type': contentType }, chunkSizes })
        const response = await fetch(`${deployment.url}/proxy/${dialect}/v1/chat/completions`, {
          method: 'POST',
          headers: { authorization: `Bearer ${tokens.get(dialect)}`, 'content-type': 'application/json' },
          body: JSON.stringify({ model: 'm', stream: isStream }),
        })
        assert.equal(response.status, status)
        assert.equal(response.headers.get('content-type'), contentType)
        assert.ok(Buffer.from(await response.arrayBuffer()).equals(bytes), 'other bytes')
        await restoreAll(deployment, dialect)
      }
    })
  }
})

/** A capture of an error puts the only key out; the next one needs it. */
async function restoreAll(deployment: Standalone, name: string): Promise<void> {
  const { items } = await deployment.admin.get<{ items: { id: number; name: string }[] }>('/groups?limit=1000')
  const group = items.find((candidate) => candidate.name === name)!
  const keys = await deployment.admin.get<{ items: { id: number; state: string }[] }>(`/groups/${group.id}/keys`)
  for (const key of keys.items) await deployment.admin.post(`/keys/${key.id}/restore`)
}
