import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ConfigFile } from '@gpt-load/contracts/config-file'
import { useMariadb } from '@gpt-load/testkit/servers/test-servers'
import fc from 'fast-check'
import { generatedConfig } from './support/generated-config.ts'
import { openApi } from './support/open-api.ts'
import { dialectsOf } from './support/open-stores.ts'

const owner = 'generated.yaml'
const runs = { SQLite: 60, MariaDB: 15 } as Record<string, number>

for (const [name, connect] of Object.entries(dialectsOf(useMariadb()))) {
  describe(`config as code on ${name}`, () => {
    test('plan(apply(x)) is empty and apply(export(x)) changes nothing, whatever was there before', async () => {
      await using api = await openApi(await connect())
      const { operate, revision } = api
      const options = { owner, prune: true, allow_mass_delete: true }
      const property = fc.asyncProperty(generatedConfig, async (config) => {
        const planned = await operate('planConfig', { body: { ...options, config } })
        const applied = await operate('applyConfig', { body: { ...options, config } })
        assert.deepEqual(applied.body.changes, planned.body.changes)
        const again = await operate('planConfig', { body: { ...options, config } })
        assert.deepEqual([again.body.changes, again.body.unpruned], [[], []])

        const before = await revision()
        const { body } = await operate('exportConfig', { query: 'with_secrets=true' })
        assert.deepEqual(body.omitted, [])
        const exported = resolve(body.config, config) as ConfigFile
        const repeated = await operate('applyConfig', { body: { ...options, config: exported } })
        assert.deepEqual([repeated.body.changes, await revision()], [[], before])
      })
      await fc.assert(property, { numRuns: runs[name] ?? 10 })
    })
  })
}

/** What the CLI makes of the text of a file: placeholders filled in, escapes undone. */
function resolve(value: unknown, { access_keys: accessKeys }: ConfigFile): unknown {
  const tokens = new Map(
    accessKeys.map(({ name, key }) => [`ACCESS_KEY_${name.toUpperCase().replaceAll(' ', '_')}`, key]),
  )
  const text = (raw: string): string =>
    raw.replace(/\$\$\{|\$\{env:(\w+)\}/g, (_, variable?: string) =>
      variable === undefined ? '${' : (tokens.get(variable) ?? assert.fail(`an unknown placeholder: ${variable}`)),
    )
  const walk = (item: unknown): unknown => {
    if (typeof item === 'string') return text(item)
    if (Array.isArray(item)) return item.map(walk)
    if (typeof item !== 'object' || item === null) return item
    return Object.fromEntries(Object.entries(item).map(([field, member]) => [field, walk(member)]))
  }
  return walk(value)
}
