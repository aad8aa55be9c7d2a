import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { System } from '@gpt-load/contracts/api/system'
import { adminKey, edgeToken, type OpenedApi } from '../support/open-api.ts'

export function describeSystem(api: () => Promise<OpenedApi>): void {
  describe('the system', () => {
    const read = async (headers: Record<string, string> = {}): Promise<System> =>
      (await (await api()).operate('getSystem', { headers })).body
    const found = ({ warnings }: System) => warnings.map(({ code, subject }) => `${code} ${subject}`.trim())

    test('names versions, the database and its checks', async () => {
      const { store } = await api()
      const system = await read()
      assert.equal(system.database.dialect, store.dialect)
      assert.match(system.database.version, /^\d+\.\d+/)
      assert.deepEqual([system.version, system.node_version], ['0.0.0-test', process.versions.node])
      assert.deepEqual(system.checks, [{ name: 'redis', ok: false, required: false, detail: 'away' }])
    })

    test('warns of weak secrets without a word of them, of a failed check, and that nobody serves; the worst first', async () => {
      const { call } = await api()
      const system = await read()
      assert.deepEqual(found(system), [
        'weak_secret AUTH_KEY',
        'no_edge',
        'weak_secret EDGE_TOKEN',
        'check_failed redis',
        'encryption_key_generated ENCRYPTION_KEY',
        'app_url_missing app_url',
      ])
      const { text } = await call('/api/v1/system')
      for (const secret of [adminKey, edgeToken, 'f00dfeed']) assert.ok(!text.includes(secret))
    })

    test('warns of a proxy that forwards without being trusted, and of plain http from elsewhere', async () => {
      const system = await read({ 'x-forwarded-for': '203.0.113.7' })
      const codes = found(system)
      assert.ok(codes.includes('forwarding_ignored TRUSTED_PROXIES'))
      assert.ok(codes.includes('insecure_transport'))
    })
  })
}
