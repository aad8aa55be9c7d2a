import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { createConnection } from 'mariadb'
import { createCertificateAuthority } from '../src/servers/certificate-authority.ts'
import { startMariadb } from '../src/servers/mariadb-server.ts'
import type { TestDatabase } from '../src/servers/database-server.ts'
import { until } from '../src/until.ts'

async function query(database: TestDatabase, sql: string): Promise<unknown> {
  const connection = await createConnection(database.dsn.replace('mysql:', 'mariadb:'))
  try {
    return await connection.query(sql)
  } finally {
    await connection.end()
  }
}

test('a committed row survives SIGKILL and restart on the same port', async () => {
  await using server = await startMariadb()
  const database = await server.createDatabase()
  await query(database, 'CREATE TABLE t (n INT)')
  await query(database, 'INSERT INTO t VALUES (7)')
  await server.kill('SIGKILL')
  await assert.rejects(query(database, 'SELECT 1'))
  await server.restart()
  assert.deepEqual(await query(database, 'SELECT n FROM t'), [{ n: 7 }])
})

test('a paused server keeps its connections open and answers when resumed', async () => {
  await using server = await startMariadb()
  const database = await server.createDatabase()
  const connection = await createConnection(database.dsn.replace('mysql:', 'mariadb:'))
  await server.pause()
  let isAnswered = false
  const answer = connection.query('SELECT 1 AS one').then((rows: unknown) => {
    isAnswered = true
    return rows
  })
  await until(() => readState(server.pid) === 'T', { what: 'the server to stop' })
  assert.equal(isAnswered, false)
  server.resume()
  assert.deepEqual(await answer, [{ one: 1 }])
  await connection.end()
})

test('TLS is accepted with the CA; an unknown CA and a plain connection are refused', async () => {
  using authority = await createCertificateAuthority()
  await using server = await startMariadb({ tls: await authority.issue(), isTlsRequired: true })
  const address = { host: '127.0.0.1', port: server.port, user: 'root', connectTimeout: 2_000 }
  const trusted = await createConnection({ ...address, ssl: { ca: authority.caPem } })
  const [row] = await trusted.query("SHOW STATUS LIKE 'Ssl_cipher'")
  assert.match(row.Value, /^TLS_/)
  await trusted.end()
  using stranger = await createCertificateAuthority()
  await assert.rejects(createConnection({ ...address, ssl: { ca: stranger.caPem } }), /certificate/)
  await assert.rejects(createConnection(address))
})

test('a server that cannot start says why', async () => {
  await assert.rejects(startMariadb({ args: ['--no-such-option'] }), /mariadb did not start.*no-such-option/s)
})

test('dropping a database leaves the others', async () => {
  await using server = await startMariadb()
  const [one, other] = [await server.createDatabase(), await server.createDatabase('named')]
  assert.equal(other.dsn, `mysql://root@127.0.0.1:${server.port}/named`)
  await one.drop()
  await assert.rejects(query(one, 'SELECT 1'), /Unknown database/)
  assert.ok(await query(other, 'SELECT 1'))
})

function readState(pid: number): string | undefined {
  return /\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1]
}
