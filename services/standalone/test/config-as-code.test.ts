import assert from 'node:assert/strict'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { gptload, gptloadScript, repository, run, type RunOptions } from './support/gptload.ts'
import { start, temporaryFolder, type Running } from './support/standalone.ts'

const adminKey = 'an-admin-key-of-enough-length'
const secrets = {
  OPENAI_KEY_1: 'sk-from-the-environment',
  TEAM_A_KEY: 'gpl_team-a-token-0001',
  FOURTH_TEAM_KEY: 'gpl_fourth-team-token-1',
}

describe('configuration as code against a running standalone', () => {
  let standalone: Running
  const folder = temporaryFolder()
  before(async () => {
    standalone = await start({ folder, env: { AUTH_KEY: adminKey } })
  })
  after(() => standalone[Symbol.asyncDispose]())

  const options = (env: Record<string, string> = {}): RunOptions => ({
    cwd: folder,
    env: { GPTLOAD_SERVER: standalone.url, GPTLOAD_TOKEN: adminKey, ...secrets, ...env },
  })
  const cli = (args: readonly string[], env?: Record<string, string>) => gptload(args, options(env))
  const api = async (method: string, path: string, body?: object) => {
    const headers = { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json', 'if-match': '*' }
    const init = { method, headers, ...(body && { body: JSON.stringify(body) }) }
    const response = await fetch(`${standalone.url}/api/v1${path}`, init)
    assert.ok(response.ok, `${method} ${path}: ${response.status}`)
    return response
  }
  const groupId = async (name: string) => {
    const { items } = (await (await api('GET', `/groups?search=${name}`)).json()) as { items: { id: number }[] }
    return items[0]?.id ?? assert.fail(`there is no group ${name}`)
  }
  const write = (file: string, groups: string, more = '') =>
    writeFileSync(join(folder, file), `version: 1\ngroups:\n${groups}${more}`, { mode: 0o600 })
  const group = (name: string, more = '') =>
    `  - name: ${name}\n    channel: openai\n    upstreams: [{ url: "https://api.openai.com" }]\n${more}`

  test('plan says 2 for a change, apply makes it, plan says 0 then', async () => {
    writeFileSync(join(folder, 'keys.txt'), 'sk-of-the-keys-file-1\nsk-of-the-keys-file-2\n', { mode: 0o600 })
    write('first.yaml', group('first', '    keys: ["${env:OPENAI_KEY_1}"]\n    keys_file: keys.txt\n'))
    const planned = await cli(['plan', 'first.yaml'])
    assert.equal(planned.code, 2, planned.stderr)
    assert.match(planned.stdout, /^\+ group "first"$/m)
    assert.match(planned.stdout, /keys: 3 to add, 0 to remove, 0 stored/)
    assert.match(planned.stdout, /^1 to create, 0 to change, 0 to delete; 3 keys to add, 0 to remove\.$/m)
    const applied = await cli(['apply', 'first.yaml'])
    assert.equal(applied.code, 0, applied.stderr)
    assert.match(applied.stderr, /^revision \d+, on 1\/1 edges so far$/m)
    const again = await cli(['plan', 'first.yaml'])
    assert.deepEqual([again.code, again.stdout], [0, 'first.yaml: nothing to change.\n'])
    for (const { stdout, stderr } of [planned, applied])
      for (const secret of [...Object.values(secrets), 'sk-of-the', adminKey])
        assert.ok(!(stdout + stderr).includes(secret))
  })

  test('a written plan is applied exactly, and refused when the configuration or the file has changed', async () => {
    write('second.yaml', group('second'))
    assert.equal((await cli(['plan', 'second.yaml', '-o', 'plan.json'])).code, 2)
    assert.equal(statSync(join(folder, 'plan.json')).mode & 0o777, 0o600)
    await api('PATCH', `/groups/${await groupId('first')}`, { description: 'edited in the portal' })
    const late = await cli(['apply', 'plan.json'])
    assert.equal(late.code, 1)
    assert.match(late.stderr, /\(409 plan_outdated\): The plan was made at revision \d+/)

    assert.equal((await cli(['plan', 'second.yaml', '-o', 'plan.json'])).code, 2)
    write('second.yaml', group('second', '    description: changed\n'))
    const other = await cli(['apply', 'plan.json'])
    assert.equal(other.code, 1)
    assert.match(other.stderr, /second\.yaml is not what it was when the plan was made/)
    write('second.yaml', group('second'))
    assert.match((await cli(['apply', 'plan.json', '--prune'])).stderr, /brings its options along/)
    assert.equal((await cli(['apply', 'plan.json'])).code, 0)
    assert.equal((await cli(['plan', 'second.yaml'])).code, 0)
  })

  test('an edit in the portal is drift: exit code 2, with both values; JSON and Markdown say the same', async () => {
    write('third.yaml', group('third', '    description: as written\n'))
    assert.equal((await cli(['apply', 'third.yaml'])).code, 0)
    assert.equal((await cli(['drift', 'third.yaml'])).code, 0)
    await api('PATCH', `/groups/${await groupId('third')}`, { description: 'edited | in `the` portal' })
    const drift = await cli(['drift', 'third.yaml'])
    assert.equal(drift.code, 2)
    assert.match(drift.stdout, /^ {4}description: "edited \| in `the` portal" -> "as written"$/m)
    const json = await cli(['drift', 'third.yaml', '--format', 'json'])
    assert.equal(json.code, 2)
    assert.deepEqual(JSON.parse(json.stdout).changes[0].fields, [
      { field: 'description', before: 'edited | in `the` portal', after: 'as written' },
    ])
    const markdown = await cli(['plan', 'third.yaml', '--format', 'markdown'])
    const row = String.raw`| update | group ${'`third`'} | ${'`description`'} | ${'``'}"edited \| in ${'`the`'} portal" -> "as written"${'``'} |`
    assert.ok(markdown.stdout.split('\n').includes(row), markdown.stdout)
  })

  test('an export applied with its variables set changes nothing', async () => {
    const access = 'access_keys:\n  - { name: team, key: "${env:FOURTH_TEAM_KEY}", groups: ["*"] }\n'
    write(
      'fourth.yaml',
      group('fourth', '    description: "$${not a variable}"\n    keys: ["${env:OPENAI_KEY_1}"]\n'),
      access,
    )
    assert.equal((await cli(['apply', 'fourth.yaml'])).code, 0)
    const exported = await cli(['export', '--owner', 'fourth.yaml', '-o', 'exported.yaml'])
    assert.equal(exported.code, 0, exported.stderr)
    assert.match(exported.stderr, /^2 variables have to be set/m)
    const text = readFileSync(join(folder, 'exported.yaml'), 'utf8')
    assert.match(text, /^# {3}FOURTH_KEY_1 {2}key 1 of group fourth \(/m)
    assert.ok(!text.includes(secrets.OPENAI_KEY_1))
    const variables = { FOURTH_KEY_1: secrets.OPENAI_KEY_1, ACCESS_KEY_TEAM: secrets.FOURTH_TEAM_KEY }
    const plan = await cli(['plan', 'exported.yaml', '--owner', 'fourth.yaml', '--prune'], variables)
    assert.deepEqual([plan.code, plan.stdout], [0, 'exported.yaml: nothing to change.\n'])
    const clear = await cli(['export', '--group', 'fourth', '--with-secrets', '--format', 'json'])
    assert.deepEqual(JSON.parse(clear.stdout).groups[0].keys, [secrets.OPENAI_KEY_1])
  })

  test('what the server refuses is said by line and column of the file', async () => {
    write('foreign.yaml', group('mine') + group('first'))
    const refused = await cli(['plan', 'foreign.yaml'])
    assert.equal(refused.code, 1)
    assert.match(refused.stderr, /\(409 conflict\).* With --adopt it takes that over\./)
    assert.match(refused.stderr, /foreign\.yaml:6:\d+: groups\[1\]: belongs to "first\.yaml"/)
    assert.equal((await cli(['plan', 'foreign.yaml', '--adopt'])).code, 2)
  })

  test('a wrong option is answered with where the right ones are', async () => {
    const { code, stderr } = await cli(['plan', 'foreign.yaml', '--adpot'])
    assert.equal(code, 1)
    assert.match(stderr, /unknown option '--adpot'[^]*\(gptload plan --help says what it takes\)$/m)
  })

  test('a server that is away, one that is none, and a token that is wrong or missing are told apart', async () => {
    write('fine.yaml', group('fine'))
    const cases: [Record<string, string>, RegExp][] = [
      [{ GPTLOAD_TOKEN: 'a-wrong-token-of-some-length' }, /does not accept the token/],
      [{ GPTLOAD_SERVER: 'http://127.0.0.1:9' }, /127\.0\.0\.1:9 does not answer/],
      [{ GPTLOAD_SERVER: `${standalone.url}/nowhere` }, /answers 404|Not found/],
      [{ GPTLOAD_TOKEN: '' }, /GPTLOAD_TOKEN/],
    ]
    for (const [env, message] of cases) {
      const { code, stdout, stderr } = await cli(['plan', 'fine.yaml'], env)
      assert.deepEqual([code, stdout], [1, ''])
      assert.match(stderr, message)
      assert.ok(!/\n\s+at |a-wrong-token/.test(stderr), stderr)
    }
    writeFileSync(join(folder, 'token'), `${adminKey}\n`, { mode: 0o600 })
    const args = ['status', '--token-file', join(folder, 'token'), '--server', standalone.url]
    assert.match((await gptload(args, { cwd: folder })).stdout, /^revision \d+ on 1\/1 edges$/m)
  })

  test('status waits for a revision and gives up in time', async () => {
    const waited = await cli(['status', '--wait', '--format', 'json'])
    assert.equal(waited.code, 0)
    const { reachable, applied, waiting } = JSON.parse(waited.stdout)
    assert.deepEqual([reachable, applied, waiting], [1, 1, []])
    const never = await cli(['status', '--wait', '--revision', '999999', '--timeout', '1'])
    assert.equal(never.code, 1)
    assert.match(never.stderr, /revision 999999 is not on all edges after 1 s\n {4}-> waiting for: standalone/)
  })

  test('examples/ci: check plans, deploy applies and waits for the edges, drift finds an edit in the portal', async () => {
    const command = join(folder, 'gptload')
    writeFileSync(command, gptloadScript, { mode: 0o755 })
    const pipeline = (step: string) =>
      run(
        join(repository, 'examples/ci/pipeline.sh'),
        [step],
        options({
          GPTLOAD: command,
          CONFIG: join(repository, 'examples/ci/gpt-load.yaml'),
          PLAN: join(folder, 'ci-plan.json'),
          PLAN_SUMMARY: join(folder, 'summary.md'),
          PATH: '/usr/bin:/bin',
        }),
      )
    const checked = await pipeline('check')
    assert.equal(checked.code, 0, checked.stderr)
    assert.match(checked.stdout, /^\+ group "openai-main"$/m)
    assert.match(readFileSync(join(folder, 'summary.md'), 'utf8'), /^\| create \| access key `team-a` \|/m)
    const deployed = await pipeline('deploy')
    assert.equal(deployed.code, 0, deployed.stderr)
    assert.match(deployed.stdout, /^revision \d+ on 1\/1 edges$/m)
    const access = await standalone.call('/proxy/openai-main/api/integration/info', { key: secrets.TEAM_A_KEY })
    assert.equal(access.status, 200)
    assert.equal((await pipeline('drift')).code, 0)
    assert.match((await pipeline('deploy')).stdout, /Nothing to apply/)

    await api('PATCH', `/groups/${await groupId('openai-main')}`, { settings: { max_retries: 1 } })
    const drift = await pipeline('drift')
    assert.equal(drift.code, 2)
    assert.match(drift.stdout, /settings\.max_retries: 1 -> 5/)
    assert.equal((await pipeline('deploy')).code, 0)
    assert.equal((await pipeline('drift')).code, 0)
    assert.equal((await pipeline('no-such-step')).code, 1)
  })
})
