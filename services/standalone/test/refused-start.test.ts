import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { createDatabase } from '@gpt-load/database/create-database'
import { start, startRefused, temporaryFolder } from './support/standalone.ts'

/** One message, no stack, exit code 1. */
function assertRefused({ code, output }: { code: number | null; output: string }, message: RegExp): void {
  assert.equal(code, 1, output)
  assert.match(output, message)
  assert.match(output, /-> /, 'says what to do')
  assert.doesNotMatch(output, /\n\s+at /, 'no stack')
}

describe('a start that is refused', () => {
  test('names the port that is in use', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const refused = await startRefused({ folder: temporaryFolder(), port })
    server.close()
    assertRefused(refused, new RegExp(`Port ${port} .*already in use`))
  })

  test('names the data folder that cannot be one', async () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'data'), 'a file')
    assertRefused(await startRefused({ folder }), /data is a file, a folder is needed/)
  })

  test('names the folder that another process holds', async () => {
    const folder = temporaryFolder()
    await using _first = await start({ folder })
    assertRefused(await startRefused({ folder }), /is in use by another GPT-Load process/)
  })

  test('tells all that is wrong with the environment at once, a short AUTH_KEY with the command that makes a good one', async () => {
    const env = { AUTH_KEY: 'too-short', PORT: 'many', MAX_RETRIES: '-1' }
    const refused = await startRefused({ folder: temporaryFolder(), env, args: ['--workers', 'none'] })
    assertRefused(refused, /AUTH_KEY/)
    for (const part of [/openssl rand/, /WORKERS/, /MAX_RETRIES/]) assert.match(refused.output, part)
    assert.doesNotMatch(refused.output, /too-short/)
  })

  test('shows every problem of a configuration file with its place, before anything is made', async () => {
    const folder = temporaryFolder()
    writeFileSync(
      join(folder, 'gpt-load.yaml'),
      'version: 1\ngroups:\n  - name: Bad Name\n    channel: opnai\n    upstreams: []\n',
    )
    const refused = await startRefused({ folder, args: ['--config', 'gpt-load.yaml'] })
    assert.equal(refused.code, 1)
    for (const part of [/gpt-load\.yaml:3:\d+: error/, /gpt-load\.yaml:4:\d+: error/, /gpt-load\.yaml:5:\d+: error/])
      assert.match(refused.output, part)
    assert.ok(!existsSync(join(folder, 'data', 'gpt-load.db')))
  })

  test('does not make a new master key where an old one is missing', async () => {
    const folder = temporaryFolder()
    await (await start({ folder })).process.stop()
    const masterKeyFile = join(folder, 'data', 'master-key')
    const masterKey = readFileSync(masterKeyFile)
    rmSync(masterKeyFile)
    assertRefused(await startRefused({ folder }), /master-key is missing/)
    assert.ok(!existsSync(masterKeyFile))
    const wrong = await startRefused({ folder, env: { ENCRYPTION_KEY: 'another-master-key' } })
    assert.match(wrong.output, /ENCRYPTION_KEY is not the one/)
    writeFileSync(masterKeyFile, masterKey)
    chmodSync(masterKeyFile, 0o600)
    await using _again = await start({ folder })
  })

  test('leaves a database of GPT-Load 1.x alone', async () => {
    const folder = temporaryFolder()
    mkdirSync(join(folder, 'data'))
    const path = join(folder, 'data', 'gpt-load.db')
    const old = createDatabase({ dialect: 'sqlite', path })
    await old.sql.execute('CREATE TABLE api_keys (id INTEGER PRIMARY KEY)')
    await old.sql.execute('DROP TABLE write_lock')
    await old.close()
    const before = readFileSync(path)
    assertRefused(await startRefused({ folder }), /of GPT-Load 1\.x/)
    assert.deepEqual(readFileSync(path), before)
  })

  test('says which option it does not know', async () => {
    assertRefused(await startRefused({ folder: temporaryFolder(), args: ['--prot', '1'] }), /--prot/)
  })
})
