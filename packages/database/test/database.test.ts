import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdirSync, statSync } from 'node:fs'
import { describe, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { useSqlServers } from '@gpt-load/testkit/servers/test-servers'
import { bulkInsert } from '../src/bulk-insert.ts'
import { DatabaseUnavailable, faultOf, isUniqueViolation, LeaseLost } from '../src/database-errors.ts'
import type { WriteTransaction } from '../src/database-handle.ts'
import { envelopeKeyId } from '../src/envelope.ts'
import { WrongMasterKeyError } from '../src/data-key.ts'
import { openKeyring } from '../src/keyring.ts'
import { assertLease, waitForLease, withLease, type LeaseHold } from '../src/lease.ts'
import { migrate, SchemaTooNew, waitForSchema } from '../src/migrate.ts'
import { createMariadbSqlClient } from '../src/sql-client/mariadb-sql-client.ts'
import { mysqlConnection, openEmpty, openMigrated, sqliteConnection } from './open-databases.ts'

const masterKey = 'a master key of enough length'
const servers = await useSqlServers()
const dialects = [
  { name: 'SQLite', skip: false, connect: async () => sqliteConnection() },
  ...servers.map(({ name, skip, createDatabase }) => ({
    name,
    skip,
    connect: async () => mysqlConnection(await createDatabase()),
  })),
]

/** Every version has a file per dialect. */
const latest = readdirSync(new URL('../migrations/mysql', import.meta.url)).length

for (const { name, skip, connect } of dialects) {
  describe(name, { skip }, () => {
    test('two replicas that start together on an empty database migrate it once and share one installation', async () => {
      await using opened = openEmpty(await connect())
      const handles = [opened.handle, opened.another()]
      const versions = await Promise.all(handles.map((handle) => migrate(handle, { component: 'config' })))
      const keyrings = await Promise.all(handles.map((database) => openKeyring({ database, masterKey })))
      assert.deepEqual(versions, [latest, latest])
      assert.equal(keyrings[0]?.epoch, keyrings[1]?.epoch)
      assert.deepEqual(keyrings[0]?.hashToken('sk-1'), keyrings[1]?.hashToken('sk-1'))
      assert.equal(keyrings[1]?.open(keyrings[0]!.seal('secret', 'test'), 'test').toString(), 'secret')
      assert.equal(await opened.handle.database.dataKey.count(), 1)
    })

    test('migrating again applies nothing', async () => {
      await using opened = await openMigrated(await connect())
      assert.equal(await migrate(opened.handle, { component: 'config' }), latest)
      const rows = await opened.handle.sql.query('SELECT version FROM schema_migrations')
      assert.equal(rows.length, latest)
    })

    test('a migration that died before it was noted is repeated', async () => {
      await using opened = await openMigrated(await connect())
      await opened.handle.sql.execute("DELETE FROM schema_migrations WHERE component = 'config'")
      assert.equal(await migrate(opened.handle, { component: 'config' }), latest)
    })

    test('the tables of the log are made beside the others, and migrating them again applies nothing', async () => {
      await using opened = await openMigrated(await connect())
      const latestOfLogs = readdirSync(new URL('../migrations/mysql-logs', import.meta.url)).length
      for (let times = 0; times < 2; times += 1)
        assert.equal(await migrate(opened.handle, { component: 'logs' }), latestOfLogs)
      await opened.handle.sql.execute("DELETE FROM schema_migrations WHERE component = 'logs'")
      assert.equal(await migrate(opened.handle, { component: 'logs' }), latestOfLogs)
      assert.deepEqual(await opened.handle.sql.query('SELECT * FROM request_logs'), [])
    })

    test('a schema one version ahead is served, two ahead is refused', async () => {
      await using opened = await openMigrated(await connect())
      const ahead = (version: number) =>
        opened.handle.sql.execute("INSERT INTO schema_migrations VALUES ('config', ?, 'x', 'x', 0)", [version])
      await ahead(latest + 1)
      assert.equal(await waitForSchema(opened.handle, { component: 'config' }), latest + 1)
      await ahead(latest + 2)
      await assert.rejects(waitForSchema(opened.handle, { component: 'config' }), SchemaTooNew)
      await assert.rejects(migrate(opened.handle, { component: 'config' }), SchemaTooNew)
    })

    test('a service waits for the schema that another one migrates', async () => {
      await using opened = openEmpty(await connect())
      const reasons: string[] = []
      const waiting = waitForSchema(
        opened.another(),
        { component: 'config' },
        { onWaiting: (text) => reasons.push(text) },
      )
      await migrate(opened.handle, { component: 'config' })
      assert.equal(await waiting, latest)
    })

    test('a wrong ENCRYPTION_KEY is refused and changes nothing', async () => {
      await using opened = await openMigrated(await connect())
      const first = await openKeyring({ database: opened.handle, masterKey })
      const before = await opened.handle.database.dataKey.findMany()
      await assert.rejects(
        openKeyring({ database: opened.handle, masterKey: 'another key of enough length' }),
        WrongMasterKeyError,
      )
      assert.deepEqual(await opened.handle.database.dataKey.findMany(), before)
      const again = await openKeyring({ database: opened.handle, masterKey })
      assert.deepEqual(again.pepper, first.pepper)
    })

    test('a sealed value opens only for its purpose and unchanged', async () => {
      await using opened = await openMigrated(await connect())
      const keyring = await openKeyring({ database: opened.handle, masterKey })
      const sealed = keyring.seal('sk-secret', 'provider_key')
      assert.equal(envelopeKeyId(sealed), 1)
      assert.throws(() => keyring.open(sealed, 'header_rule'))
      const changed = Buffer.from(sealed)
      changed[20] = (changed[20] ?? 0) ^ 1
      assert.throws(() => keyring.open(changed, 'provider_key'))
    })

    test('Prisma and raw SQL see the same rows, and integers above 32 bits are exact', async () => {
      await using opened = await openMigrated(await connect())
      const at = 1_790_000_123_456
      await opened.handle.write(async ({ database, sql }) => {
        await database.setting.create({ data: { name: 'a', value: '1', revision: 1, updated_at: at } })
        await sql.execute("INSERT INTO settings (name, value, revision, updated_at) VALUES ('b', '2', 1, ?)", [at])
      })
      const rows = await opened.handle.sql.query<{ name: string; updated_at: number }>(
        'SELECT name, updated_at FROM settings ORDER BY name',
      )
      assert.deepEqual(
        rows.map((row) => ({ ...row })),
        [
          { name: 'a', updated_at: at },
          { name: 'b', updated_at: at },
        ],
      )
      const inside = await opened.handle.write(({ sql }) => sql.query('SELECT updated_at FROM settings'))
      assert.deepEqual(
        inside.map((row) => ({ ...row })),
        [{ updated_at: at }, { updated_at: at }],
      )
      assert.equal(
        (await opened.handle.database.setting.findUniqueOrThrow({ where: { name: 'b' } })).updated_at,
        BigInt(at),
      )
    })

    test('a failing transaction leaves nothing, and a query beside it is not part of it', async () => {
      await using opened = await openMigrated(await connect())
      const { handle } = opened
      await assert.rejects(
        handle.write(async ({ database, sql }) => {
          await database.setting.create({ data: { name: 'a', value: '1', revision: 1, updated_at: 1 } })
          assert.equal(await handle.database.setting.count(), 0)
          assert.equal((await handle.sql.query('SELECT 1 FROM settings')).length, 0)
          await sql.execute("INSERT INTO settings (name, value, revision, updated_at) VALUES ('b', '2', 1, 1)")
          throw new Error('half-way')
        }),
        /half-way/,
      )
      assert.equal(await handle.database.setting.count(), 0)
    })

    test('a snapshot does not see what is committed while it reads', async () => {
      await using opened = await openMigrated(await connect())
      const { handle } = opened
      await handle.readSnapshot(async (sql) => {
        const count = async () => (await sql.query('SELECT 1 FROM settings')).length
        assert.equal(await count(), 0)
        await handle.sql.execute("INSERT INTO settings (name, value, revision, updated_at) VALUES ('b', '2', 1, 1)")
        assert.equal(await count(), 0)
      })
      assert.equal(await handle.database.setting.count(), 1)
    })

    test('bulk rows go in by hundreds, duplicates are left out and counted', async () => {
      await using opened = await openMigrated(await connect())
      const insert = (from: number) => ({
        table: 'settings',
        columns: ['name', 'value', 'revision', 'updated_at'],
        rows: Array.from({ length: 1_203 }, (_, index) => [`s${from + index}`, '1', 1, 1]),
        ignoreDuplicates: true,
      })
      assert.equal(await opened.handle.write(({ sql }) => bulkInsert(sql, insert(0))), 1_203)
      assert.equal(await opened.handle.write(({ sql }) => bulkInsert(sql, insert(1_000))), 1_000)
      const twice = opened.handle.write(({ sql }) => bulkInsert(sql, { ...insert(0), ignoreDuplicates: false }))
      await assert.rejects(twice, isUniqueViolation)
      const prisma = opened.handle.write(({ database }) =>
        database.setting.create({ data: { name: 's1', value: '', revision: 1, updated_at: 1 } }),
      )
      await assert.rejects(prisma, isUniqueViolation)
    })

    test('long bulk statements keep blobs, absent values, booleans and integers above 32 bits', async () => {
      await using opened = await openMigrated(await connect())
      const { handle } = opened
      const at = 1_790_000_123_456
      const hashOf = (index: number) => Buffer.from(`${index}`.padStart(32, '\0\'"\\'))
      const numbers = ['group_id', 'weight', 'until', 'generation', 'failures', 'last_probe_at', 'revision']
      const texts = ['hint', 'note', 'state']
      await handle.write(({ sql }) =>
        bulkInsert(sql, {
          table: 'provider_keys',
          columns: [
            ...numbers,
            ...texts,
            'cause',
            'hash',
            'secret',
            'managed_by',
            'last_probe_ok',
            'created_at',
            'updated_at',
          ],
          rows: Array.from({ length: 501 }, (_, index) => [
            ...numbers.map(() => 1),
            ...texts.map(() => `“${index}”`),
            '',
            hashOf(index),
            new Uint8Array([index % 256, 0, 255]),
            null,
            index % 2 === 0,
            at,
            at,
          ]),
        }),
      )
      const rows = await handle.sql.query<Record<string, unknown>>(
        'SELECT note, hash, secret, managed_by, last_probe_ok, created_at FROM provider_keys ORDER BY id',
      )
      assert.deepEqual(
        rows.map((row) => ({ ...row })),
        Array.from({ length: 501 }, (_, index) => ({
          note: `“${index}”`,
          hash: hashOf(index),
          secret: Buffer.from([index % 256, 0, 255]),
          managed_by: null,
          last_probe_ok: index % 2 === 0 ? 1 : 0,
          created_at: at,
        })),
      )
    })

    test('writers that collide are repeated: no increment is lost', async () => {
      await using opened = await openMigrated(await connect())
      const handles = [opened.handle, opened.another()]
      await opened.handle.sql.execute(
        "INSERT INTO settings (name, value, revision, updated_at) VALUES ('x', '', 0, 0), ('y', '', 0, 0)",
      )
      const increments = Array.from({ length: 40 }, (_, index) =>
        handles[index % 2]!.write(async ({ sql }) => {
          // Opposite orders: on a server these deadlock.
          for (const name of index % 4 < 2 ? ['x', 'y'] : ['y', 'x'])
            await sql.execute(`UPDATE settings SET revision = revision + 1 WHERE name = '${name}'`)
        }),
      )
      await Promise.all(increments)
      const rows = await opened.handle.sql.query<{ revision: number }>('SELECT revision FROM settings')
      assert.deepEqual(
        rows.map(({ revision }) => revision),
        [40, 40],
      )
    })

    test('a lease has one holder, and its fence rises with each', async () => {
      await using opened = await openMigrated(await connect())
      const other = opened.another()
      const first = await withLease(opened.handle, 'job', { ttlMs: 5_000 }, async (_signal, lease) => {
        assert.deepEqual(await withLease(other, 'job', { ttlMs: 5_000 }, async () => 'second'), { held: false })
        return lease.fence
      })
      const second = await withLease(other, 'job', { ttlMs: 5_000 }, async (_signal, lease) => lease.fence)
      assert.deepEqual(
        [first, second],
        [
          { held: true, result: 1 },
          { held: true, result: 2 },
        ],
      )
    })

    test('a holder that renews keeps its lease past its life', async () => {
      await using opened = await openMigrated(await connect())
      const other = opened.another()
      await withLease(opened.handle, 'job', { ttlMs: 300 }, async (signal, lease) => {
        const outlived = performance.now() + 900
        while (performance.now() < outlived) {
          assert.equal((await withLease(other, 'job', { ttlMs: 300 }, async () => 0)).held, false)
          await setImmediate()
        }
        assert.equal(signal.aborted, false)
        await opened.handle.write(({ sql }) => assertLease(sql, lease))
      })
    })

    test('a holder whose lease was taken over is told and can no longer write', async () => {
      await using opened = await openMigrated(await connect())
      await withLease(opened.handle, 'job', { ttlMs: 600 }, async (signal, lease) => {
        await opened.handle.sql.execute("UPDATE leases SET expires_at = 0 WHERE job = 'job'")
        const taken = await waitForLease(opened.another(), 'job', { ttlMs: 600 }, async (_signal, next) => next.fence)
        assert.equal(taken, lease.fence + 1)
        if (!signal.aborted) await once(signal, 'abort')
        await assert.rejects(stale(opened.handle, lease), LeaseLost)
      })
    })
  })
}

function stale(handle: Awaited<ReturnType<typeof openMigrated>>['handle'], lease: LeaseHold): Promise<void> {
  return handle.write(({ sql }) => assertLease(sql, lease))
}

test('the SQLite file is readable by its owner only, and refuses writes outside of `write`', async () => {
  await using opened = await openMigrated(sqliteConnection())
  assert.ok(opened.connection.dialect === 'sqlite')
  for (const suffix of ['', '-wal', '-shm']) assert.equal(statSync(opened.connection.path + suffix).mode & 0o777, 0o600)
  await assert.rejects(opened.handle.database.setting.deleteMany())
})

for (const { name, skip, createDatabase } of servers)
  test(
    `a statement that comes after the end of its transaction is refused, not made a transaction of its own (${name})`,
    { skip },
    async () => {
      await using opened = await openMigrated(mysqlConnection(await createDatabase()))
      const late: (() => Promise<number>)[] = []
      const leak = async ({ sql }: WriteTransaction) =>
        void late.push(() => sql.execute('UPDATE revision_counter SET value = 9'))
      await opened.handle.write(leak)
      const failing = opened.handle.write(async (transaction) => {
        await leak(transaction)
        throw new Error('half-way')
      })
      await assert.rejects(failing, /half-way/)
      for (const execute of late) await assert.rejects(execute(), DatabaseUnavailable)
      assert.deepEqual(
        (await opened.handle.sql.query<{ value: number }>('SELECT value FROM revision_counter')).map(
          ({ value }) => value,
        ),
        [0],
      )
    },
  )

for (const { name, skip, createDatabase } of servers)
  test(`a user with a password gets in without TLS, by either client (${name})`, { skip }, async () => {
    const address = await createDatabase()
    const { database } = address
    await using root = openEmpty(mysqlConnection(address))
    const user = { user: database.slice(0, 32), password: "a pa'ss:word@" }
    await root.handle.sql.execute(`CREATE USER '${user.user}' IDENTIFIED BY 'a pa''ss:word@'`)
    await root.handle.sql.execute(`GRANT ALL ON \`${database}\`.* TO '${user.user}'`)
    await using opened = await openMigrated(mysqlConnection({ ...address, ...user }))
    await opened.handle.ping()
    // MySQL forgets which passwords it has seen: the other client has to show it in full too.
    await root.handle.sql.execute('FLUSH PRIVILEGES')
    const logs = createMariadbSqlClient({ ...address, ...user }, { connections: 1 })
    assert.equal((await logs.read('SELECT * FROM schema_migrations')).length, latest)
    await logs.close()
    await using wrong = openEmpty(mysqlConnection({ ...address, ...user, password: 'another' }))
    await assert.rejects(wrong.handle.ping(), { name: 'DatabaseUnavailable', message: /Access denied/ })
    await root.handle.sql.execute(`DROP USER '${user.user}'`)
  })

test('an unreachable server is DatabaseUnavailable, by its true reason', async () => {
  await using opened = openEmpty(
    mysqlConnection({ host: '127.0.0.1', port: 1, user: 'root', password: '', database: 'none' }),
  )
  await assert.rejects(opened.handle.ping(), /ECONNREFUSED/)
  await assert.rejects(opened.handle.sql.query('SELECT 1'), (error) => faultOf(error) === 'unavailable')
  await assert.rejects(opened.handle.database.setting.count(), { name: 'DatabaseUnavailable' })
  await assert.rejects(
    opened.handle.write(async () => 1),
    { name: 'DatabaseUnavailable' },
  )
  await assert.rejects(
    opened.handle.readSnapshot(async () => 1),
    { name: 'DatabaseUnavailable' },
  )
})
