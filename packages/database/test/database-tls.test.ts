import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createCertificateAuthority } from '@gpt-load/testkit/servers/certificate-authority'
import { startMariadb } from '@gpt-load/testkit/servers/mariadb-server'
import { ensureMysql, startMysql } from '@gpt-load/testkit/servers/mysql-server'
import { createMariadbSqlClient } from '../src/sql-client/mariadb-sql-client.ts'
import type { SqlRow } from '../src/sql-client/sql-client.ts'
import { openEmpty } from './open-databases.ts'

const mysql = await ensureMysql()
const servers = [
  { name: 'MariaDB', skip: false, start: startMariadb },
  { name: 'MySQL', skip: 'missing' in mysql && mysql.missing, start: startMysql },
]

for (const { name, skip, start } of servers)
  test(`TLS is verified by both clients, or encrypted only where the DSN says so (${name})`, { skip }, async () => {
    using authority = await createCertificateAuthority()
    using stranger = await createCertificateAuthority()
    await using server = await start({ tls: await authority.issue(), isTlsRequired: true })
    const { name: database } = await server.createDatabase()
    const address = { host: server.host, port: server.port, user: 'root', password: '', database }
    const verified = { rejectUnauthorized: true, ca: authority.caPem }

    for (const tls of [verified, { rejectUnauthorized: false }]) {
      await using opened = openEmpty({ dialect: 'mysql', ...address, tls })
      const logs = createMariadbSqlClient({ ...address, tls }, { connections: 1 })
      const cipher = "SHOW STATUS LIKE 'Ssl_cipher'"
      await opened.handle.ping()
      for (const [row] of await Promise.all([opened.handle.sql.query<SqlRow>(cipher), logs.read(cipher)]))
        assert.match(String(row?.['Value']), /^TLS_/)
      assert.equal(await opened.handle.write(async () => 1), 1)
      await logs.close()
    }

    const unknown = { ...verified, ca: stranger.caPem }
    for (const refused of [{ tls: unknown }, { tls: { rejectUnauthorized: true } }, {}]) {
      await using opened = openEmpty({ dialect: 'mysql', ...address, ...refused })
      await assert.rejects(opened.handle.ping(), { name: 'DatabaseUnavailable' })
    }
    const logs = createMariadbSqlClient({ ...address, tls: unknown }, { connections: 1 })
    await assert.rejects(logs.read('SELECT 1'))
    await logs.close()
  })
