import assert from 'node:assert/strict'
import { test } from 'node:test'
import { useSqlServers } from '@gpt-load/testkit/servers/test-servers'
import { createRequestLogReader } from '../src/logs/request-log-reader.ts'
import { createMariadbSqlClient } from '../src/sql-client/mariadb-sql-client.ts'
import { createSqliteSqlClient } from '../src/sql-client/sqlite-sql-client.ts'

const servers = await useSqlServers()
const clients = [
  { name: 'SQLite', skip: false, open: async () => createSqliteSqlClient(':memory:') },
  ...servers.map(({ name, skip, createDatabase }) => ({
    name,
    skip,
    open: async () => createMariadbSqlClient(await createDatabase(), { connections: 1 }),
  })),
]

for (const { name, skip, open } of clients) {
  test(
    `before the log tables exist nothing has been logged, other failures stay failures (${name})`,
    { skip },
    async () => {
      const client = await open()
      const reader = createRequestLogReader(client)
      const page = await reader.search({ fromMs: 0, toMs: 1, order: 'newest', limit: 10 })
      assert.deepEqual(page, { items: [], first: null, next: null, searchedUntilMs: 0 })
      assert.deepEqual(await reader.newest({ afterId: null, limit: 10 }), { items: [], lastId: 0, skipped: 0 })
      assert.equal(await reader.find('req-1'), null)
      assert.deepEqual(await reader.totals({ spanS: 60, fromS: 0 }), { requests: 0, failures: 0 })
      assert.deepEqual(await reader.series({ spanS: 60, fromS: 0, toS: 60 }), [])
      await client.execute('CREATE TABLE request_logs (id INTEGER)')
      await client.execute('CREATE TABLE failed_requests (request_id INTEGER)')
      await client.execute('CREATE TABLE request_shapes (shape INTEGER)')
      await assert.rejects(reader.find('req-1'))
      await client.close()
    },
  )
}
