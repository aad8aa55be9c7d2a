import assert from 'node:assert/strict'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { startFakeProvider } from '@gpt-load/testkit/upstreams/fake-provider'
import { gptload, temporaryFolder } from './support/gptload.ts'

/** GPT-Load 0.1's validate-keys.py, without a server. */
describe('keys validate', () => {
  const good = 'sk-validate-good-aaaaaaaaaaaa'
  const limited = 'sk-validate-limited-bbbbbbbb'
  const refused = 'sk-validate-refused-cccccccc'
  const away = 'sk-validate-away-dddddddddddd'

  test('sorts the keys of a file by what their provider says, masked on the screen, in clear in private files', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    provider.key(limited).limit({ retryAfterS: 60 })
    provider.key(refused).revoke()
    provider.key(away).fault({ kind: 'close' })
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'keys.txt'), `# mine\n${good}\n${limited} ${refused}\n${good}\n${away}\nbad\u0007key\n`)
    const args = ['keys', 'validate', '-f', 'keys.txt', '-u', provider.url, '-o', 'lists', '-c', '2', '-t', '5']
    const { code, stdout, stderr } = await gptload(args, { cwd: folder })
    assert.equal(code, 0, stderr)
    const list = (name: string) => readFileSync(join(folder, 'lists', `${name}_keys.txt`), 'utf8').split('\n')
    assert.deepEqual(list('valid').toSorted(), ['', good, limited].toSorted())
    assert.deepEqual(list('invalid'), [refused, 'bad\u0007key', ''])
    assert.deepEqual(list('duplicate'), [good, ''])
    assert.deepEqual(list('unjudged'), [away, ''])
    assert.equal(statSync(join(folder, 'lists', 'valid_keys.txt')).mode & 0o777, 0o600)
    assert.match(stdout, /^2 of 5 keys are valid, 2 are not, 1 could not be judged; 1 duplicates$/m)
    assert.match(stdout, /^ {2}\S+: 2$/m)
    for (const key of [good, limited, refused, away]) assert.ok(!(stdout + stderr).includes(key), key)
    assert.match(stderr, /^invalid {3}sk-\S+ {2}401 /m)
  })

  test('asks the next model when one refuses, and says so in JSON', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    provider.everyKey.respond(
      { status: 404, body: { error: { code: 'model_not_found', message: 'no' } } },
      { times: 1 },
    )
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'keys.txt'), good)
    const args = ['keys', 'validate', 'keys.txt', '--url', provider.url, '--model', 'gone', 'here', '--json']
    const { code, stdout } = await gptload(args, { cwd: folder })
    const { keys_per_second: _, ...summary } = JSON.parse(stdout) as Record<string, unknown>
    assert.deepEqual(
      [code, summary],
      [0, { total: 1, valid: 1, invalid: 0, duplicate: 0, unjudged: 0, by_model: { here: 1 } }],
    )
    assert.deepEqual(
      provider.requests.map(({ body }) => (JSON.parse(String(body)) as { model: string }).model),
      ['gone', 'here'],
    )
  })

  test('asks nobody without an address that is meant', async () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'keys.txt'), good)
    const run = async (...args: string[]) => {
      const { code, stderr } = await gptload(['keys', 'validate', 'keys.txt', ...args], { cwd: folder })
      return [code, stderr.split('\n')[0]]
    }
    assert.deepEqual(await run('--url', 'nowhere'), [1, '--url is not a URL'])
    assert.deepEqual(await run('--channel', 'azure-openai'), [1, 'there is no base URL to ask'])
  })

  test('fails when no key is valid, and when there is none', async () => {
    await using provider = await startFakeProvider({ dialect: 'anthropic' })
    provider.everyKey.revoke()
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'keys.txt'), refused)
    const args = ['keys', 'validate', 'keys.txt', '-u', provider.url, '--channel', 'anthropic']
    assert.equal((await gptload(args, { cwd: folder })).code, 1)
    writeFileSync(join(folder, 'empty.txt'), '# none\n')
    const empty = await gptload(['keys', 'validate', 'empty.txt'], { cwd: folder })
    assert.deepEqual([empty.code, empty.stderr], [1, 'empty.txt holds no key\n    -> one key per line\n'])
    const absent = await gptload(['keys', 'validate', 'absent.txt'], { cwd: folder })
    assert.equal(absent.code, 1)
    assert.match(absent.stderr, /absent\.txt does not exist/)
  })
})
