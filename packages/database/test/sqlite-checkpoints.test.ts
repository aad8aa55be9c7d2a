import assert from 'node:assert/strict'
import { mkdtempDisposable, writeFile } from 'node:fs/promises'
import { statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { until } from '@gpt-load/testkit/until'
import { bulkInsert } from '../src/bulk-insert.ts'
import { createDatabase } from '../src/create-database.ts'
import { createSqliteCheckpoints } from '../src/sqlite-checkpoints.ts'

const rows = Array.from({ length: 6_000 }, (_, id) => [id, 'x'.repeat(500)])

suite('checkpoints in a thread', () => {
  test('what was written moves from the log to the file while the writer stays open', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'gpt-load-db-'))
    const path = join(folder.path, 'test.db')
    const store = createDatabase({ dialect: 'sqlite', path }, { mayCheckpointInThread: true })
    await store.sql.execute('CREATE TABLE lines (id INTEGER PRIMARY KEY, text TEXT)')
    await store.write(({ sql }) => bulkInsert(sql, { table: 'lines', columns: ['id', 'text'], rows }))
    // 3 MB: 800 pages, of which a commit moves none.
    await until(() => statSync(path).size > 3_000_000, { what: 'the file to hold the rows' })
    await store.close()
  })

  test('a thread that cannot go on says so', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'gpt-load-db-'))
    const path = join(folder.path, 'no.db')
    await writeFile(path, 'no database at all, but long enough to be looked at as one'.repeat(20))
    const events: string[] = []
    const ended = Promise.withResolvers<void>()
    const checkpoints = createSqliteCheckpoints(path, {
      onStart: () => void events.push('start'),
      onEnd: () => {
        events.push('end')
        ended.resolve()
      },
    })
    checkpoints.noteWritten(4_999)
    assert.deepEqual(events, [])
    checkpoints.noteWritten(1)
    await ended.promise
    assert.deepEqual(events, ['start', 'end'])
    await checkpoints.close()
  })

  test('many more statements than are kept compiled give the right rows', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'gpt-load-db-'))
    const store = createDatabase({ dialect: 'sqlite', path: join(folder.path, 'test.db') })
    for (let turn = 0; turn < 2; turn += 1)
      for (let number = 0; number < 150; number += 1)
        assert.deepEqual(await store.sql.query(`SELECT ${number} AS n, ? AS p`, [turn]), [{ n: number, p: turn }])
    await store.close()
  })
})
