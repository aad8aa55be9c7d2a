import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import packageFile from '../package.json' with { type: 'json' }
import { gptload, temporaryFolder } from './support/gptload.ts'

const folder = temporaryFolder()
const write = (name: string, text: string) => writeFileSync(join(folder, name), text, { mode: 0o600 })

test('a good file is one line and exit code 0', async () => {
  write('keys.txt', '# ours\nsk-one-1234567890\nsk-two-1234567890\n')
  write(
    'good.yaml',
    `version: 1
groups:
  - name: openai-main
    channel: openai
    upstreams: [{ url: "https://api.openai.com" }]
    keys: ["\${env:OPENAI_KEY_1}"]
    keys_file: ./keys.txt
access_keys:
  - { name: team-a, key: "\${env:TEAM_A_KEY}", groups: ["*"] }
`,
  )
  const env = { OPENAI_KEY_1: 'sk-three-1234567890', TEAM_A_KEY: 'a-long-enough-access-key' }
  const { code, stdout, stderr } = await gptload(['validate', 'good.yaml'], { cwd: folder, env })
  assert.equal(code, 0, stderr)
  assert.equal(stdout, 'good.yaml is valid: 1 group, 3 keys, 1 access key\n')
})

test('every problem is shown with its place and a code frame, no value of a key', async () => {
  write(
    'bad.yaml',
    `version: 1
groups:
  - name: Not A Name
    channel: openai
    upstreams: [{ url: "https://api.openai.com", wieght: 2 }]
    keys: ["sk-canary-0123456789", "\${env:NOT_SET}"]
    settings: { max_retries: many }
`,
  )
  const { code, stdout, stderr } = await gptload(['validate', 'bad.yaml'], { cwd: folder })
  assert.equal(code, 1)
  assert.equal(stdout, '')
  for (const place of [
    /bad\.yaml:3:\d+: error/,
    /bad\.yaml:5:\d+: error/,
    /bad\.yaml:6:\d+: error/,
    /bad\.yaml:7:\d+: error/,
  ])
    assert.match(stderr, place)
  assert.match(stderr, /did you mean "weight"/)
  assert.match(stderr, />\s*5 \|/)
  assert.ok(!stderr.includes('canary'))
  assert.ok(!/\n\s+at /.test(stderr), 'no stack')
})

test('a file that is not there, and one that does not parse, fail with a place', async () => {
  const absent = await gptload(['validate', 'absent.yaml'], { cwd: folder })
  assert.equal(absent.code, 1)
  assert.match(absent.stderr, /absent\.yaml:1:1: error: cannot be read: there is no such file/)
  write('broken.yaml', 'version: 1\ngroups: [\n')
  const broken = await gptload(['validate', 'broken.yaml'], { cwd: folder })
  assert.equal(broken.code, 1)
  assert.match(broken.stderr, /broken\.yaml:\d+:\d+: error/)
})

test('wrong usage is exit code 1, never that of a difference; help and version are 0', async () => {
  for (const args of [
    ['validate'],
    ['plan'],
    ['plan', 'x', '--format', 'xml'],
    ['status', '--timeout', '-1'],
    ['no-such-command'],
    ['migrate', '--no-such-option'],
    ['validate', 'a', 'b'],
  ]) {
    const { code, stderr, stdout } = await gptload(args, { cwd: folder })
    assert.equal(code, 1, args.join(' '))
    assert.match(stderr, /error: /)
    assert.equal(stdout, '')
  }
  const help = await gptload(['--help'])
  assert.equal(help.code, 0)
  for (const command of [
    'admin-key',
    'migrate',
    'import-gpt-load',
    'validate',
    'plan',
    'apply',
    'drift',
    'export',
    'status',
  ])
    assert.match(help.stdout, new RegExp(`\\b${command}\\b`))
  assert.deepEqual(await gptload(['--version']), { code: 0, stdout: `${packageFile.version}\n`, stderr: '' })
})
