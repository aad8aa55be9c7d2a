import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { hashAdminKey, matchesAdminKey } from '@gpt-load/database/admin-key-hash'
import type { DatabaseHandle } from '@gpt-load/database/database-handle'
import { createProgram } from '../src/create-program.ts'
import { openTerminal } from '../src/terminal.ts'
import { gptload, openStandaloneData, temporaryFolder } from './support/gptload.ts'

const hashesIn = async (handle: DatabaseHandle) =>
  (await handle.sql.query<{ hash: string }>('SELECT hash FROM admin_keys')).map(({ hash }) => hash)

test('replaces every admin key by one that only its file knows, while the database is in use', async () => {
  const folder = temporaryFolder()
  await using handle = await openStandaloneData(folder)
  const earlier = await hashAdminKey('the-key-that-was-lost')
  for (let n = 0; n < 2; n += 1)
    await handle.sql.execute('INSERT INTO admin_keys (hash, created_at) VALUES (?, 1)', [earlier])

  const { code, stdout, stderr } = await gptload(['admin-key', 'reset', '--data-dir', folder])

  assert.equal(code, 0, stderr)
  const file = join(folder, 'admin-key')
  const key = readFileSync(file, 'utf8').trim()
  assert.equal(statSync(file).mode & 0o777, 0o600)
  const hashes = await hashesIn(handle)
  assert.equal(hashes.length, 1)
  assert.ok(await matchesAdminKey(key, hashes[0] ?? ''))
  assert.ok(stdout.includes(file), 'says where the key is')
  assert.ok(!stdout.includes(key) && !stderr.includes(key), 'what is no terminal never sees the key')
  const audit = await handle.sql.query<{ action: string }>('SELECT action FROM audit_log')
  assert.deepEqual(
    audit.map(({ action }) => action),
    ['admin_key.reset'],
  )
})

test('prints the key to a terminal', async () => {
  const folder = temporaryFolder()
  await using _ = await openStandaloneData(folder)
  const said: string[] = []
  const program = createProgram({
    environment: { DATA_DIR: folder },
    directory: folder,
    isTerminal: true,
    terminal: openTerminal(process),
    say: (text) => said.push(text),
    warn: (text) => said.push(text),
    exit: () => assert.fail('the reset has no exit code of its own'),
  })
  await program.parseAsync(['node', 'gptload', 'admin-key', 'reset'])
  assert.ok(said.join('\n').includes(readFileSync(join(folder, 'admin-key'), 'utf8').trim()))
})

test('the data folder comes from DATA_DIR, also of .env, else it is ./data', async () => {
  const folder = temporaryFolder()
  mkdirSync(join(folder, 'data'))
  mkdirSync(join(folder, 'elsewhere'))
  for (const name of ['data', 'elsewhere']) await (await openStandaloneData(join(folder, name))).close()

  assert.equal((await gptload(['admin-key', 'reset'], { cwd: folder })).code, 0)
  assert.ok(readdirSync(join(folder, 'data')).includes('admin-key'))

  writeFileSync(join(folder, '.env'), 'DATA_DIR=./elsewhere\nAUTH_KEY=a-key-of-the-environment\n')
  const { code, stderr } = await gptload(['admin-key', 'reset'], { cwd: folder })
  assert.equal(code, 0)
  assert.ok(readdirSync(join(folder, 'elsewhere')).includes('admin-key'))
  assert.match(stderr, /AUTH_KEY is set/, 'says that the new key is not the one in force')
})

test('a folder that standalone has not made is refused and left as it is', async () => {
  const folder = temporaryFolder()
  const { code, stderr } = await gptload(['admin-key', 'reset', '--data-dir', folder])
  assert.equal(code, 1)
  assert.match(stderr, /is not a data folder of GPT-Load/)
  assert.match(stderr, /-> name the folder with --data-dir/)
  assert.ok(!/\n\s+at /.test(stderr), 'no stack for what an operator can mend')
  assert.deepEqual(readdirSync(folder), [])
})

test('a database without schema and a file that is none are told apart', async () => {
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'gpt-load.db'), '')
  const empty = await gptload(['admin-key', 'reset', '--data-dir', folder])
  assert.equal(empty.code, 1)
  assert.match(empty.stderr, /has no schema yet/)

  for (const name of readdirSync(folder)) rmSync(join(folder, name))
  writeFileSync(join(folder, 'gpt-load.db'), 'this is a text and no database, whatever its name says\n'.repeat(40))
  const broken = await gptload(['admin-key', 'reset', '--data-dir', folder])
  assert.equal(broken.code, 1)
  assert.match(broken.stderr, /is damaged or is no SQLite database/)
  assert.ok(!/\n\s+at /.test(broken.stderr))
})

test('when the file cannot be written, the earlier key goes on working', async () => {
  const folder = temporaryFolder()
  await using handle = await openStandaloneData(folder)
  const earlier = await hashAdminKey('the-key-in-force')
  await handle.sql.execute('INSERT INTO admin_keys (hash, created_at) VALUES (?, 1)', [earlier])
  mkdirSync(join(folder, 'admin-key', 'in-the-way'), { recursive: true })

  const { code, stderr } = await gptload(['admin-key', 'reset', '--data-dir', folder])
  assert.equal(code, 1)
  assert.ok(stderr !== '')
  assert.ok((await hashesIn(handle)).includes(earlier))
})
