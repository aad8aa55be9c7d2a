import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { createConnection } from 'mariadb'
import { createCertificateAuthority } from '../src/servers/certificate-authority.ts'
import { ensureMysql, startMysql } from '../src/servers/mysql-server.ts'

const installation = await ensureMysql()
const skip = 'missing' in installation && installation.missing

test('it is MySQL 9, and a committed row survives SIGKILL and restart on the same port', { skip }, async () => {
  await using server = await startMysql()
  const { name: database } = await server.createDatabase()
  const connect = () => createConnection({ host: server.host, port: server.port, user: 'root', database })
  const before = await connect()
  const [{ version }] = await before.query('SELECT VERSION() AS version')
  assert.match(version, /^9\.\d+\.\d+/)
  await before.query('CREATE TABLE t (n INT)')
  await before.query('INSERT INTO t VALUES (7)')
  before.on('error', () => {})
  await server.kill('SIGKILL')
  await server.restart()
  const after = await connect()
  assert.deepEqual(await after.query('SELECT n FROM t'), [{ n: 7 }])
  await after.end()
})

test('TLS is accepted with the CA, a plain connection refused', { skip }, async () => {
  using authority = await createCertificateAuthority()
  await using server = await startMysql({ tls: await authority.issue(), isTlsRequired: true })
  const address = { host: '127.0.0.1', port: server.port, user: 'root', connectTimeout: 2_000 }
  const trusted = await createConnection({ ...address, ssl: { ca: authority.caPem } })
  const [row] = await trusted.query("SHOW STATUS LIKE 'Ssl_cipher'")
  assert.match(row.Value, /^TLS_/)
  await trusted.end()
  await assert.rejects(createConnection(address))
})

test('where the runner has found none, nobody looks again: a suite is told why', async () => {
  const reason = 'MySQL cannot be had here: no mirror'
  const run = promisify(execFile)
  const source = `
    import { useSqlServers } from '${import.meta.resolve('../src/servers/test-servers.ts')}'
    const servers = await useSqlServers()
    console.log(JSON.stringify(servers.map(({ name, skip }) => [name, skip])))`
  const variables = { MARIADB_PORT: '1', MYSQL_PORT: '', MYSQL_MISSING: reason }
  const named = Object.entries(variables).map(([name, value]) => [`GPTLOAD_TEST_${name}`, value])
  const env = { ...process.env, ...Object.fromEntries(named) }
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', source], { env, timeout: 30_000 })
  assert.deepEqual(JSON.parse(stdout.split('\n')[0] ?? ''), [
    ['MariaDB', false],
    ['MySQL', reason],
  ])
})
