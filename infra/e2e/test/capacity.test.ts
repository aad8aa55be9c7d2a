import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { resolve } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import type { Capacity } from '@gpt-load/contracts/api/capacity'
import { startFakeProvider } from '@gpt-load/testkit/upstreams/fake-provider'
import { until } from '@gpt-load/testkit/until'
import { createGroup } from '../src/admin-client.ts'
import { startStandalone } from '../src/deployment.ts'
import { startLoad } from '../src/load.ts'

const cli = resolve(import.meta.dirname, '../../../packages/cli/src/main.ts')
const hourMs = 3_600_000

test('what a provider tells of its limits becomes a forecast: when the keys run dry, when relief comes, how many are missing', async () => {
  await using provider = await startFakeProvider({ dialect: 'openai' })
  const keys = Array.from({ length: 3 }, (_, n) => `sk-capacity-${n}-0123456789abcdef`)
  for (const key of keys) provider.limitKey(key, { requests: 60, windowMs: hourMs })
  await using standalone = await startStandalone()
  const { group, accessKey } = await createGroup(standalone.admin, {
    name: 'main',
    channel: 'openai',
    url: provider.url,
    keys,
  })
  const read = () => standalone.admin.get<Capacity>(`/groups/${group.id}/capacity`)
  assert.deepEqual([(await read()).usable_keys, (await read()).runs_dry_at], [3, null])

  // 5 requests a second: 180 in all last 36 seconds.
  const load = startLoad({ url: () => `${standalone.url}/proxy/main`, token: accessKey.key, perSecond: 5 })
  const known = await until(
    async () => {
      const capacity = await read()
      return capacity.known_keys === 3 && capacity.runs_dry_at !== null ? capacity : null
    },
    { what: 'a forecast', timeoutMs: 25_000, intervalMs: 200 },
  )
  const { stdout } = await promisify(execFile)(process.execPath, [cli, 'capacity', 'main'], {
    env: { PATH: process.env['PATH'], GPTLOAD_SERVER: standalone.url, GPTLOAD_TOKEN: standalone.adminKey },
  })
  await load.stop()
  assert.equal(known.limited_by, 'requests')
  assert.ok(Math.abs((known.requests_per_minute ?? 0) - 300) <= 60, `${known.requests_per_minute} a minute`)
  assert.equal(known.requests_headroom_per_minute, 0)
  const dryInS = (Date.parse(known.runs_dry_at ?? '') - Date.now()) / 1_000
  assert.ok(dryInS > 5 && dryInS < 40, `dry in ${dryInS} s`)
  // Windows end an hour after they began; a key is worth what the fullest has had, 50 to 60.
  const lackMinutes = (Date.parse(known.relief_at ?? '') - Date.parse(known.runs_dry_at ?? '')) / 60_000
  assert.ok(lackMinutes > 55 && lackMinutes <= 61, `${lackMinutes} minutes without`)
  assert.ok(known.keys_needed > (280 * 55) / 60 && known.keys_needed < 500, `${known.keys_needed} keys`)
  assert.match(
    stdout,
    /^main: 3\/3 keys usable; \d+ requests\/min \(0 more are possible\).*; runs dry at .* relief at .* more keys needed/,
  )
})
