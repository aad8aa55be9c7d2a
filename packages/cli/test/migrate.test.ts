import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { createDatabase } from '@gpt-load/database/create-database'
import { freePort } from '@gpt-load/testkit/servers/free-port'
import { useMariadb } from '@gpt-load/testkit/servers/test-servers'
import { gptload, openStandaloneData, temporaryFolder } from './support/gptload.ts'

const mariadb = await useMariadb()

test('brings both databases of a data folder up to date, again and again', async () => {
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'gpt-load.db'), '')
  for (let run = 0; run < 2; run += 1) {
    const { code, stdout, stderr } = await gptload(['migrate', '--data-dir', folder])
    assert.equal(code, 0, stderr)
    assert.match(
      stdout,
      /gpt-load\.db: the config schema is at version \d+\n.*logs\.db: the logs schema is at version \d+\n$/,
    )
  }
  await using handle = await openStandaloneData(folder)
  assert.deepEqual(await handle.sql.query('SELECT id FROM admin_keys'), [])
})

test('brings the database of DATABASE_DSN up to date: configuration and logs in one', async () => {
  const { name } = mariadb.database
  const dsn = `mysql://root:@${mariadb.host}:${mariadb.port}/${name}`
  const { code, stdout, stderr } = await gptload(['migrate'], { env: { DATABASE_DSN: dsn } })
  assert.equal(code, 0, stderr)
  assert.match(stdout, /the config schema is at version \d+\n.*the logs schema is at version \d+/)
  const handle = createDatabase({
    dialect: 'mysql',
    host: mariadb.host,
    port: mariadb.port,
    user: 'root',
    password: '',
    database: name,
  })
  try {
    await handle.sql.query('SELECT 1 FROM admin_keys')
    await handle.sql.query('SELECT 1 FROM request_logs')
  } finally {
    await handle.close()
  }
})

test('a database that is away or refuses is one message without the password', async () => {
  const port = await freePort()
  const away = await gptload(['migrate'], {
    env: { DATABASE_DSN: `mysql://root:hunter2hunter2@127.0.0.1:${port}/gptload` },
  })
  assert.equal(away.code, 1)
  assert.match(away.stderr, /no connection to MySQL at 127\.0\.0\.1/)

  const user = `mysql://nobody:hunter2hunter2@${mariadb.host}:${mariadb.port}/${mariadb.database.name}`
  const refused = await gptload(['migrate'], { env: { DATABASE_DSN: user } })
  assert.equal(refused.code, 1)
  assert.match(refused.stderr, /denied/i)
  for (const { stderr } of [away, refused]) {
    assert.ok(!stderr.includes('hunter2'))
    assert.ok(!/\n\s+at /.test(stderr), 'no stack for what an operator can mend')
  }
})

test('a database that accepts and never answers is given up in bounded time', { timeout: 30_000 }, async () => {
  await using server = createServer(() => {}).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  const { code, stderr } = await gptload(['migrate'], {
    env: { DATABASE_DSN: `mysql://root:@127.0.0.1:${port}/gptload` },
  })
  assert.equal(code, 1)
  assert.match(stderr, /no connection to MySQL/)
})

test('an unusable DATABASE_DSN is refused with the forms that work', async () => {
  const sqlite = await gptload(['migrate'], { env: { DATABASE_DSN: './data/gpt-load.db' } })
  assert.equal(sqlite.code, 1)
  assert.match(sqlite.stderr, /gptload migrate --data-dir DIR/)
  const postgres = await gptload(['migrate'], { env: { DATABASE_DSN: 'postgres://u:hunter2hunter2@h/d' } })
  assert.equal(postgres.code, 1)
  assert.match(postgres.stderr, /DATABASE_DSN names a PostgreSQL database/)
  assert.ok(!postgres.stderr.includes('hunter2'))
})
