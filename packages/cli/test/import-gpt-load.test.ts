import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { after, describe, test } from 'node:test'
import { seedDefaultGroup } from '@gpt-load/config-service/config/seed-default-group'
import { PGlite } from '@electric-sql/pglite'
import { PGLiteSocketServer } from '@electric-sql/pglite-socket'
import { createDatabase } from '@gpt-load/database/create-database'
import { openKeyring } from '@gpt-load/database/keyring'
import { migrate } from '@gpt-load/database/migrate'
import {
  openGroupSettings,
  openHeaderRules,
  openProviderKey,
  openSettingValue,
  openUpstreamUrl,
} from '@gpt-load/database/row-secrets'
import { createMariadbSqlClient } from '@gpt-load/database/sql-client/mariadb-sql-client'
import { createSqliteSqlClient } from '@gpt-load/database/sql-client/sqlite-sql-client'
import {
  GPT_LOAD_FIXTURE_KEY,
  GPT_LOAD_FIXTURES_MISSING,
  gptLoadFixturesAvailable,
  unpackGptLoadFixture,
} from '@gpt-load/testkit/gpt-load-fixtures'
import { freePort } from '@gpt-load/testkit/servers/free-port'
import { useMariadb } from '@gpt-load/testkit/servers/test-servers'
import { openImportTarget } from '../src/import-gpt-load/open-target.ts'
import { createKeyOpener } from '../src/import-gpt-load/key-cipher.ts'
import { clearKey, encryptedKey, writeSource, type SourceRows } from './support/gpt-load-source.ts'
import { gptload, openStandaloneData, temporaryFolder } from './support/gptload.ts'

const mariadb = useMariadb()
const masterKey = 'a master key of enough length'
const sourceKey = 'correct-horse-battery-staple-0001'

async function openTarget() {
  const folder = temporaryFolder()
  const store = await openStandaloneData(folder)
  const keyring = await openKeyring({ database: store, masterKey })
  const run = (args: readonly string[], env: Record<string, string> = {}) =>
    gptload(['import-gpt-load', ...args, '--data-dir', folder, '--json'], {
      env: { ENCRYPTION_KEY: masterKey, ...env },
    })
  const groupNamed = async (name: string) => {
    const row = await store.database.group.findUniqueOrThrow({
      where: { name },
      include: { upstreams: { orderBy: { position: 'asc' } }, members: { include: { member: true } } },
    })
    const keys = await store.database.providerKey.findMany({ where: { group_id: row.id }, orderBy: { id: 'asc' } })
    return {
      ...row,
      upstreams: row.upstreams.map(({ url, weight }) => [openUpstreamUrl(keyring, url), weight]),
      members: row.members.map(({ member, weight }) => [member.name, weight]),
      settings: openGroupSettings(keyring, row.settings),
      header_rules: openHeaderRules(keyring, row.header_rules),
      keys: keys.map(({ hash, secret, state, note }) => [openProviderKey(keyring, hash, secret), state, note]),
    }
  }
  return {
    store,
    keyring,
    run,
    groupNamed,
    accessKey: (token: string) =>
      store.database.accessKey.findUnique({
        where: { hash: keyring.hashToken(token) },
        include: { groups: { include: { group: true } } },
      }),
    setting: async (name: string) => {
      const row = await store.database.setting.findUnique({ where: { name } })
      return row === null ? null : openSettingValue(keyring, name, row.value)
    },
    /** As the first start of standalone does. */
    async seed(...keys: readonly string[]) {
      const { ctx, close } = await openImportTarget({ ENCRYPTION_KEY: masterKey }, folder)
      const lines = keys.length === 0 ? null : Readable.from(keys.map((key) => ({ line: 1, key })))
      await seedDefaultGroup(ctx, { baseUrls: [], settings: {}, authKey: null, keys: lines })
      await close()
    },
    revision: async () => (await store.database.revisionCounter.findUniqueOrThrow({ where: { id: 1 } })).value,
    [Symbol.asyncDispose]: () => store.close(),
  }
}

const upstreams = [{ url: 'https://api.example.com', weight: 1 }]
const group = (name: string, more: object = {}) => ({
  name,
  channel_type: 'openai',
  upstreams,
  test_model: 'm',
  ...more,
})

const whole: SourceRows = {
  system_settings: [
    { setting_key: 'max_retries', setting_value: '2' },
    { setting_key: 'blacklist_threshold', setting_value: '3' },
    { setting_key: 'enable_request_body_logging', setting_value: 'true' },
    { setting_key: 'no_such_setting', setting_value: '1' },
    { setting_key: 'proxy_keys', setting_value: 'sk-global-000000000001, sk-both-0000000000002' },
  ],
  groups: [
    group('all', { group_type: 'aggregate', upstreams: [], proxy_keys: 'sk-aggregate-0000001', test_model: '-' }),
    group('main', {
      display_name: 'OpenAI 主',
      description: 'first',
      proxy_keys: 'sk-main-000000000001,sk-both-0000000000002,sk-shared-0000000001',
      upstreams: [
        { url: 'https://user:pass@one.example.com/base', weight: 3 },
        { url: 'https://two.example.com', weight: 0 },
      ],
      sort: 10,
      param_overrides: { temperature: 0.5 },
      config: { max_retries: 5, request_timeout: 30, proxy_url: null, unknown_one: 1 },
      header_rules: [{ key: 'X-Group', value: '${GROUP_NAME}', action: 'set' }],
      model_redirect_rules: { 'gpt-4': 'gpt-4.1' },
      model_redirect_strict: true,
    }),
    group('second', { proxy_keys: 'sk-shared-0000000001', validation_endpoint: '/v1/x', config: {} }),
  ],
  group_sub_groups: [
    { group_id: 1, sub_group_id: 2, weight: 70 },
    { group_id: 1, sub_group_id: 3, weight: 0 },
  ],
  api_keys: [
    { ...clearKey('sk-main-key-1'), group_id: 2, status: 'active', notes: 'bought, team β' },
    { ...encryptedKey('sk-main-key-2', sourceKey), group_id: 2, status: 'invalid', notes: '' },
    { ...clearKey('sk-twice'), group_id: 3, status: 'invalid', notes: '' },
    { ...clearKey('sk-twice'), group_id: 3, status: 'active', notes: 'second row' },
    { key_value: 'sk-before-hashes', key_hash: '', group_id: 3, status: 'active', notes: '' },
  ],
}

const postgresServers: PGLiteSocketServer[] = []
after(() => Promise.all(postgresServers.map((server) => server.stop())))

const sources = {
  /** PostgreSQL itself, compiled to WebAssembly, behind a socket. */
  async PostgreSQL(rows: SourceRows): Promise<string> {
    const database = await PGlite.create()
    const server = new PGLiteSocketServer({ db: database, host: '127.0.0.1', port: await freePort() })
    await server.start()
    postgresServers.push(server)
    let position = 0
    await writeSource(
      {
        dialect: 'postgres',
        async execute(sql, values = []) {
          position = 0
          await database.query(
            sql.replaceAll('?', () => `$${(position += 1)}`),
            [...values],
          )
        },
      },
      rows,
    )
    return `postgres://postgres:pg-pa55word@${server.getServerConn()}/postgres?sslmode=disable`
  },
  async SQLite(rows: SourceRows): Promise<string> {
    const path = join(temporaryFolder(), 'source.db')
    const client = createSqliteSqlClient(path)
    await writeSource(client, rows)
    await client.close()
    return path
  },
  async MariaDB(rows: SourceRows): Promise<string> {
    const { host, port, createDatabase } = await mariadb
    const { name } = await createDatabase()
    const connection = { dialect: 'mysql', host, port, user: 'root', password: '', database: name } as const
    const client = createMariadbSqlClient(connection, { connections: 1 })
    await writeSource(client, rows)
    await client.close()
    return `root:@tcp(${host}:${port})/${name}?charset=utf8mb4&parseTime=True&loc=Local`
  },
}

for (const [name, createSource] of Object.entries(sources)) {
  describe(`gptload import-gpt-load from ${name}`, () => {
    test('brings every group, key, note, state, rule, aggregate, access key and setting', async () => {
      await using target = await openTarget()
      const { code, stdout, stderr } = await target.run([await createSource(whole)], {
        GPT_LOAD_ENCRYPTION_KEY: sourceKey,
      })
      assert.equal(code, 0, stderr)
      const report = JSON.parse(stdout)
      assert.deepEqual([report.groups.created, report.keys.created, report.access_keys.created], [3, 4, 5])
      assert.deepEqual(report.source, { clear: 4, encrypted: 1, unreadable: 0, unreadable_ids: [] })

      const main = await target.groupNamed('main')
      assert.deepEqual([main.id, main.display_name, main.description, main.sort], [2, 'OpenAI 主', 'first', 10])
      assert.deepEqual(main.upstreams, [
        ['https://user:pass@one.example.com/base', 3],
        ['https://two.example.com', 0],
      ])
      assert.deepEqual(main.settings, { request_timeout: 30, max_retries: 5, first_byte_timeout_ms: 30_000 })
      assert.deepEqual(main.header_rules, [{ key: 'X-Group', value: '${GROUP_NAME}', action: 'set' }])
      assert.deepEqual(JSON.parse(main.param_overrides), { temperature: 0.5 })
      assert.deepEqual([JSON.parse(main.model_redirects), main.model_redirect_strict], [{ 'gpt-4': 'gpt-4.1' }, true])
      assert.deepEqual(main.keys, [
        ['sk-main-key-1', 'active', 'bought, team β'],
        ['sk-main-key-2', 'invalid', ''],
      ])
      const second = await target.groupNamed('second')
      assert.deepEqual(second.keys, [
        ['sk-twice', 'active', 'second row'],
        ['sk-before-hashes', 'active', ''],
      ])
      assert.equal(second.validation_endpoint, '/v1/x')
      assert.deepEqual((await target.groupNamed('all')).members, [
        ['main', 70],
        ['second', 0],
      ])
      const opens = async (token: string) => {
        const key = await target.accessKey(token)
        return key?.all_groups === true ? '*' : key?.groups.map((entry) => entry.group.name).sort()
      }
      assert.equal(await opens('sk-global-000000000001'), '*')
      assert.equal(await opens('sk-both-0000000000002'), '*')
      assert.deepEqual(await opens('sk-main-000000000001'), ['main'])
      assert.deepEqual(await opens('sk-aggregate-0000001'), ['all'])
      assert.deepEqual(await opens('sk-shared-0000000001'), ['main', 'second'])
      assert.equal(await target.setting('max_retries'), 2)
      assert.equal(await target.setting('enable_request_body_logging'), true)
      assert.equal(await target.setting('blacklist_threshold'), null, 'what says the default goes on following it')
      const counts = await target.store.database.groupKeyCount.findMany({ where: { group_id: main.id } })
      assert.deepEqual(Object.fromEntries(counts.map(({ state, count }) => [state, count])), { active: 1, invalid: 1 })
      assert.match(report.warnings.join('\n'), /settings: the setting "no_such_setting" is not known/)
      assert.match(report.warnings.join('\n'), /group "main": the setting "unknown_one" is not known/)
    })

    test('a second run changes nothing, and leaves alone what was edited in between', async () => {
      await using target = await openTarget()
      const source = await createSource(whole)
      const env = { GPT_LOAD_ENCRYPTION_KEY: sourceKey }
      await target.run([source], env)
      await target.store.write(({ database }) =>
        database.group.update({ where: { name: 'main' }, data: { description: 'edited here' } }),
      )
      const before = await target.revision()
      const { stdout } = await target.run([source], env)
      const { groups, keys, access_keys: accessKeys, settings } = JSON.parse(stdout)
      assert.deepEqual(
        [groups, keys, accessKeys, settings],
        [
          { created: 0, present: 3 },
          { created: 0, present: 4, malformed: 0 },
          { created: 0, present: 5 },
          { created: 0, present: 2 },
        ],
      )
      assert.equal(await target.revision(), before)
      assert.equal((await target.groupNamed('main')).description, 'edited here')
    })

    test('a dry run counts the same and writes nothing', async () => {
      await using target = await openTarget()
      const source = await createSource(whole)
      const env = { GPT_LOAD_ENCRYPTION_KEY: sourceKey }
      const dry = JSON.parse((await target.run([source, '--dry-run'], env)).stdout)
      assert.equal(await target.store.database.group.count(), 0)
      assert.equal(await target.store.database.accessKey.count(), 0)
      assert.equal(await target.store.database.auditEntry.count(), 0)
      const real = JSON.parse((await target.run([source], env)).stdout)
      for (const what of ['groups', 'keys', 'access_keys', 'settings']) assert.deepEqual(dry[what], real[what], what)
    })
  })
}

test('DATABASE_DSN names the database of a cluster, which must have been served from once', async () => {
  const { host, port, createDatabase: create } = await mariadb
  const { name } = await create()
  const connection = { dialect: 'mysql', host, port, user: 'root', password: '', database: name } as const
  const source = await sources.SQLite(whole)
  const env = {
    DATABASE_DSN: `mysql://root@${host}:${port}/${name}`,
    ENCRYPTION_KEY: masterKey,
    GPT_LOAD_ENCRYPTION_KEY: sourceKey,
  }
  const run = () => gptload(['import-gpt-load', source, '--json'], { cwd: temporaryFolder(), env })
  const early = await run()
  assert.equal(early.code, 1)
  assert.match(early.stderr, /has never been served from/)
  const store = createDatabase(connection, { poolSize: 2 })
  try {
    await migrate(store, { component: 'config' })
    await openKeyring({ database: store, masterKey })
    const first = await run()
    assert.equal(first.code, 0, first.stderr)
    const { groups, keys, access_keys: accessKeys } = JSON.parse(first.stdout)
    assert.deepEqual([groups.created, keys.created, accessKeys.created], [3, 4, 5])
    assert.equal(await store.database.providerKey.count(), 4)
    assert.equal(JSON.parse((await run()).stdout).keys.present, 4)
  } finally {
    await store.close()
  }
})

test('the check value of the format opens, and no other key opens it', () => {
  const value = '000102030405060708090a0b462a8fd432e485411424b6965a11d6e1a2cfd8403860f6086b3503a7'
  const hash = 'f1b791e0c978a93881fa03bd9388885608ad486d7e8ef46a514d8f048aad92f2'
  assert.deepEqual(createKeyOpener(sourceKey)(value, hash), { key: 'sk-test-0001', mode: 'encrypted' })
  assert.equal(createKeyOpener('another key')(value, hash), null)
  assert.equal(createKeyOpener(undefined)(value, hash), null)
  const clear = '820b1c7a7f3b9722bca2bdf90fb63c8af91c71bf8e7b399efb0646163b5af643'
  assert.deepEqual(createKeyOpener(undefined)('sk-test-0001', clear), { key: 'sk-test-0001', mode: 'clear' })
})

test('a missing and a wrong encryption key are told apart, and nothing is written', async () => {
  await using target = await openTarget()
  const source = await sources.SQLite({
    groups: [group('main')],
    api_keys: [{ ...encryptedKey('sk-secret-key-1', sourceKey), group_id: 1, status: 'active' }],
  })
  const missing = await target.run([source])
  assert.deepEqual([missing.code, missing.stdout], [1, ''])
  assert.match(missing.stderr, /1 of 1 keys cannot be opened; nothing was imported\n {4}-> they are encrypted/)
  const wrong = await target.run([source, '--encryption-key-env', 'OLD'], { OLD: 'not the key' })
  assert.equal(wrong.code, 1)
  assert.match(wrong.stderr, /is not the one that they were encrypted with/)
  assert.equal(await target.store.database.group.count(), 0)
})

test('the group of a first start gives way while nobody has used it, and stays once somebody has', async () => {
  const source = await sources.SQLite({
    groups: [group('default', { description: 'from there' }), group('other')],
    api_keys: [{ ...clearKey('sk-default-1'), group_id: 1, status: 'active', notes: '' }],
  })
  await using unused = await openTarget()
  await unused.seed()
  const dry = JSON.parse((await unused.run([source, '--dry-run'])).stdout)
  assert.equal((await unused.groupNamed('default')).managed_by, 'environment')
  const report = JSON.parse((await unused.run([source])).stdout)
  assert.deepEqual([report.groups, report.is_seed_removed, report.renumbered], [{ created: 2, present: 0 }, true, []])
  for (const what of ['groups', 'keys', 'is_seed_removed']) assert.deepEqual(dry[what], report[what], what)
  const { description, upstreams: urls, keys } = await unused.groupNamed('default')
  assert.deepEqual(
    [description, urls, keys],
    ['from there', [['https://api.example.com', 1]], [['sk-default-1', 'active', '']]],
  )
  await using used = await openTarget()
  await used.seed('sk-somebody-has-begun-1')
  const left = JSON.parse((await used.run([source])).stdout)
  assert.deepEqual([left.groups, left.is_seed_removed], [{ created: 1, present: 1 }, false])
})

test('what does not fit is named and left out, the rest is imported', async () => {
  await using target = await openTarget()
  await target.run([await sources.SQLite({ groups: [group('taken')] })])
  const source = await sources.SQLite({
    groups: [
      group('taken', { channel_type: 'anthropic' }),
      group('odd', { channel_type: 'no-such-channel' }),
      group('broken', { upstreams: [{ url: 'nonsense', weight: 1 }] }),
      group('metadata', { upstreams: [{ url: 'http://169.254.169.254/', weight: 1 }] }),
      group('fine', { header_rules: [{ key: 'bad header', value: 'secret-value', action: 'set' }] }),
    ],
    api_keys: [{ ...clearKey('sk-fine-1'), group_id: 5, status: 'active', notes: '' }],
  })
  const { code, stdout } = await target.run([source])
  assert.equal(code, 0)
  const report = JSON.parse(stdout)
  assert.deepEqual(report.groups, { created: 2, present: 0 })
  const text = [...report.problems, ...report.warnings].join('\n')
  assert.match(text, /group "taken": there is a group of this name already, of another kind or channel/)
  assert.match(text, /group "odd", left out with its keys: its channel is not known here/)
  assert.match(text, /group "broken": upstream 1 is no URL/)
  assert.match(text, /group "metadata", left out with its keys: \/upstreams\/0\/url must not be a link-local/)
  assert.match(text, /group "fine": header_rules cannot be taken over/)
  assert.ok(!stdout.includes('secret-value') && !stdout.includes('sk-fine-1'))
  assert.equal((await target.groupNamed('broken')).enabled, false)
  assert.deepEqual((await target.groupNamed('fine')).keys, [['sk-fine-1', 'active', '']])
  assert.ok(report.renumbered.some((entry: { name: string }) => entry.name === 'fine'))
})

test('a source that is no GPT-Load database, or is not there, is refused', async () => {
  await using target = await openTarget()
  const other = join(temporaryFolder(), 'other.db')
  const client = createSqliteSqlClient(other)
  await client.execute('CREATE TABLE something (id INTEGER)')
  await client.close()
  const bytes = readFileSync(other)
  const foreign = await target.run([other])
  assert.equal(foreign.code, 1)
  assert.match(foreign.stderr, /is not a database of GPT-Load 1\.x/)
  assert.deepEqual(readFileSync(other), bytes)
  const missing = await target.run([`${other}.missing`])
  assert.equal(missing.code, 1)
  assert.match(missing.stderr, /does not exist/)
  assert.ok(!/\n\s+at /.test(foreign.stderr + missing.stderr))
  const away = await target.run(['postgres://u:pg-pa55word@127.0.0.1:9/db'])
  assert.equal(away.code, 1)
  assert.match(away.stderr, /the PostgreSQL database cannot be opened \(ECONNREFUSED\)/)
  assert.ok(!away.stderr.includes('pg-pa55word'))
  const mysqlAway = await target.run(['u:my-pa55word@tcp(127.0.0.1:9)/db'])
  assert.equal(mysqlAway.code, 1)
  assert.match(mysqlAway.stderr, /^no connection to MySQL at 127\.0\.0\.1:9: .*ECONNREFUSED/)
  const text = join(temporaryFolder(), 'keys.txt')
  writeFileSync(text, 'sk-not-a-database\n')
  const noDatabase = await target.run([text])
  assert.match(noDatabase.stderr, /^\S*keys\.txt is no SQLite database\n {4}-> /)
  assert.ok(!/\n\s+at |my-pa55word/.test(mysqlAway.stderr + noDatabase.stderr))
  const unnamed = await target.run([])
  assert.match(unnamed.stderr, /GPT_LOAD_DSN/)
})

const skip = gptLoadFixturesAvailable() ? false : GPT_LOAD_FIXTURES_MISSING

for (const form of ['plain', 'encrypted'] as const) {
  test(`the ${form} database of GPT-Load 1.4.9 arrives whole`, { skip }, async () => {
    await using target = await openTarget()
    const path = unpackGptLoadFixture(form, temporaryFolder())
    const bytes = readFileSync(path)
    const env: Record<string, string> = form === 'plain' ? {} : { GPT_LOAD_ENCRYPTION_KEY: GPT_LOAD_FIXTURE_KEY }
    const { code, stdout, stderr } = await target.run([path], { AUTH_KEY: 'fixture-Admin-Key-2026', ...env })
    assert.equal(code, 0, stderr)
    assert.deepEqual(readFileSync(path), bytes, 'the source is only read')
    const report = JSON.parse(stdout)
    assert.deepEqual([report.groups.created, report.keys.created, report.access_keys.created], [6, 287, 5])
    assert.deepEqual([report.problems, report.renumbered], [[], []])
    assert.match(report.warnings.join('\n'), /access key "global 1" is also AUTH_KEY/)
    const main = await target.groupNamed('openai-main')
    assert.equal(main.keys.length, 250)
    assert.deepEqual(main.keys.at(-1), ['sk-up-one-000249-Zx9', 'active', 'bought 2025-03, team β'])
    assert.deepEqual(
      main.upstreams.map(([, weight]) => weight),
      [3, 1, 0],
    )
    const second = await target.groupNamed('openai-second')
    assert.deepEqual(
      second.keys.map(([, state]) => state),
      ['invalid', 'invalid', 'invalid', 'invalid'],
    )
    assert.equal(second.keys[3]?.[0], String.raw`sk-up-one-000001-Zx9\nclé-ünïcode-🔑`)
    assert.deepEqual((await target.groupNamed('agg')).members, [
      ['openai-main', 70],
      ['openai-second', 0],
    ])
    assert.equal(await target.setting('request_log_retention_days'), 14)
    const before = await target.revision()
    const again = JSON.parse((await target.run([path], env)).stdout)
    assert.deepEqual([again.keys.created, again.keys.present, await target.revision()], [0, 287, before])
  })
}
