import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createDatabase } from '@gpt-load/database/create-database'
import { openKeyring } from '@gpt-load/database/keyring'
import { migrate } from '@gpt-load/database/migrate'
import { buildBaseIfNeeded } from '../../src/truth/base-builder.ts'
import { clock, masterKey, silentLogger, sqliteConnection } from './replica.ts'

const changedIds = 30_000

/** Builds, and changes, at any time. */
async function openBuilder() {
  const connection = sqliteConnection()
  const store = createDatabase(connection)
  await migrate(store, { component: 'config' })
  const context = { keyring: await openKeyring({ database: store, masterKey }), environmentSettings: {} }
  return {
    store,
    buildAt: (nowMs: number) =>
      buildBaseIfNeeded({ store, context, clock: { ...clock, nowMs: () => nowMs }, logger: silentLogger() }),
    change: (touches: number, atMs: number) =>
      store.write(async ({ sql }) => {
        await sql.execute('UPDATE revision_counter SET value = value + 1')
        await sql.execute(
          `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
           INSERT INTO change_log (revision, ordinal, kind, id_from, id_to, created_at)
           SELECT value, i, 'key', i, i + ?, ? FROM revision_counter, n`,
          [touches, changedIds, atMs],
        )
      }),
    builtFrom: (startedMs: number, endedMs: number) =>
      store.sql.execute('UPDATE snapshot_bases SET created_at = ?, completed_at = ?', [startedMs, endedMs]),
    async [Symbol.asyncDispose]() {
      await store.close()
      await connection[Symbol.asyncDispose]()
    },
  }
}

test('while many keys change, building bases takes a twentieth of the time, unless the change log grows too long or no more change', async () => {
  await using builder = await openBuilder()
  const { buildAt, change, builtFrom } = builder
  assert.equal((await buildAt(1_000))?.revision, 0)
  await builtFrom(1_000, 2_000)
  await change(1, 20_000)
  assert.equal(await buildAt(20_999), null)
  assert.equal((await buildAt(21_000))?.revision, 1)

  await builtFrom(21_000, 22_000)
  await change(1, 23_000)
  assert.equal(await buildAt(25_999), null)
  assert.equal((await buildAt(26_000))?.revision, 2)

  await builtFrom(26_000, 27_000)
  await change(100_001, 27_000)
  assert.equal((await buildAt(27_000))?.revision, 3)
})

test('a twentieth of the keys is worth a base once they have rested for as long as the last one took', async () => {
  await using builder = await openBuilder()
  const { store, buildAt, change, builtFrom } = builder
  const hold = (keys: number) =>
    store.sql.execute("INSERT INTO group_key_counts (group_id, state, count) VALUES (1, 'active', ?)", [keys])
  await hold(changedIds * 10)
  assert.equal((await buildAt(1_000))?.revision, 0)
  await builtFrom(1_000, 11_000)
  await change(1, 300_000)
  assert.equal(await buildAt(309_999), null)
  assert.equal((await buildAt(310_000))?.revision, 1)

  await store.sql.execute('DELETE FROM group_key_counts')
  await hold(changedIds * 21)
  await change(1, 400_000)
  assert.equal(await buildAt(500_000), null)
})
