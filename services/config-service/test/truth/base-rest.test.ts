import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createDatabase } from '@gpt-load/database/create-database'
import { openKeyring } from '@gpt-load/database/keyring'
import { migrate } from '@gpt-load/database/migrate'
import { buildBaseIfNeeded } from '../../src/truth/base-builder.ts'
import { clock, masterKey, silentLogger, sqliteConnection } from './replica.ts'

const changedIds = 30_000

test('while many keys change, building bases takes a twentieth of the time, unless the change log grows too long or no more change', async () => {
  await using connection = sqliteConnection()
  const store = createDatabase(connection)
  try {
    await migrate(store, { component: 'config' })
    const context = { keyring: await openKeyring({ database: store, masterKey }), environmentSettings: {} }
    const buildAt = (nowMs: number) =>
      buildBaseIfNeeded({ store, context, clock: { ...clock, nowMs: () => nowMs }, logger: silentLogger() })
    const change = (touches: number, atMs: number) =>
      store.write(async ({ sql }) => {
        await sql.execute('UPDATE revision_counter SET value = value + 1')
        await sql.execute(
          `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
           INSERT INTO change_log (revision, ordinal, kind, id_from, id_to, created_at)
           SELECT value, i, 'key', i, i + ?, ? FROM revision_counter, n`,
          [touches, changedIds, atMs],
        )
      })
    assert.equal((await buildAt(1_000))?.revision, 0)
    await store.sql.execute('UPDATE snapshot_bases SET created_at = 1000, completed_at = 2000')
    await change(1, 20_000)
    assert.equal(await buildAt(20_999), null)
    assert.equal((await buildAt(21_000))?.revision, 1)

    await store.sql.execute('UPDATE snapshot_bases SET created_at = 21000, completed_at = 22000')
    await change(1, 23_000)
    assert.equal(await buildAt(25_999), null)
    assert.equal((await buildAt(26_000))?.revision, 2)

    await store.sql.execute('UPDATE snapshot_bases SET created_at = 26000, completed_at = 27000')
    await change(100_001, 27_000)
    assert.equal((await buildAt(27_000))?.revision, 3)
  } finally {
    await store.close()
  }
})
