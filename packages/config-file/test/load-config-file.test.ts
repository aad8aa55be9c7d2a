import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { stringify } from 'yaml'
import { ConfigFileError, renderDiagnostic } from '../src/diagnostic.ts'
import { loadConfigFile, type LoadedConfigFile } from '../src/load-config-file.ts'
import { createMemoryFiles } from './fixtures/memory-files.ts'

const path = '/etc/gpt-load.yaml'

function load(
  text: string,
  env: Record<string, string> = {},
  more: Record<string, string> = {},
  modes: Record<string, number> = {},
) {
  return loadConfigFile(path, { env, files: createMemoryFiles({ [path]: text, ...more }, modes) })
}

async function failure(promise: Promise<LoadedConfigFile>): Promise<ConfigFileError> {
  const error = await promise.then(
    () => assert.fail('the file was accepted'),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof ConfigFileError, String(error))
  return error
}

/** `line:column message` of each. */
async function errorsOf(...input: Parameters<typeof load>): Promise<readonly string[]> {
  const { diagnostics } = await failure(load(...input))
  return diagnostics
    .filter(({ severity }) => severity === 'error')
    .map(({ line, column, message }) => `${line}:${column} ${message}`)
}

const complete = `version: 1
settings: { request_log_retention_days: 7 }
groups:
  - name: openai-main
    channel: openai
    upstreams:
      - { url: "https://api.openai.com", weight: 3 }
      - { url: "https://eu.example.net/base" }
    keys: ["\${env:OPENAI_KEY_1}", "sk-literal"]
    keys_file: ./keys.txt
    test_model: gpt-4.1-nano
    settings: { max_retries: 3 }
  - name: all
    channel: openai
    members: [{ group: openai-main }]
access_keys:
  - { name: team-a, key: "\${env:TEAM_A_KEY}", groups: ["*"] }
`
const env = { OPENAI_KEY_1: 'sk-from-environment', TEAM_A_KEY: 'an-access-key-of-length' }
const keysFile = { '/etc/keys.txt': '# first\nsk-1\n\n  sk-2  \r\n#sk-3\nsk-4' }

test('a complete file becomes a validated configuration with defaults filled in', async () => {
  const { config, warnings, keysFiles, secrets } = await load(complete, env, keysFile)
  assert.deepEqual(warnings, [])
  const [main, all] = config.groups
  assert.ok(main && 'upstreams' in main && all && 'members' in all)
  assert.deepEqual(main.keys, ['sk-from-environment', 'sk-literal'])
  assert.deepEqual(
    main.upstreams.map(({ weight }) => weight),
    [3, 1],
  )
  assert.equal(main.keys_file, '/etc/keys.txt')
  assert.deepEqual(config.access_keys[0]?.key, env.TEAM_A_KEY)
  assert.deepEqual([keysFiles[0]?.groupIndex, keysFiles[0]?.keyCount], [0, 3])
  const batches = await Array.fromAsync(keysFiles[0]?.read() ?? [])
  assert.deepEqual(batches.flat(), [
    { key: 'sk-1', line: 2 },
    { key: 'sk-2', line: 4 },
    { key: 'sk-4', line: 6 },
  ])
  assert.deepEqual(new Set(secrets), new Set(['sk-from-environment', 'an-access-key-of-length', 'sk-literal']))
})

test('every value knows where it comes from, defaults come from nowhere', async () => {
  const { originOf } = await load(complete, env, keysFile)
  assert.deepEqual(originOf(['groups', 0, 'settings', 'max_retries']), {
    file: path,
    line: 12,
    column: 30,
    variables: [],
  })
  assert.deepEqual(originOf(['groups', 0, 'keys', 0]), { file: path, line: 9, column: 12, variables: ['OPENAI_KEY_1'] })
  assert.equal(originOf(['groups', 0, 'upstreams', 1, 'weight']), undefined)
  assert.equal(originOf(['settings', 'max_retries']), undefined)
})

test('JSON is read like YAML, also with tabs, a byte order mark and $schema', async () => {
  const text = JSON.stringify(
    {
      $schema: './gpt-load.schema.json',
      version: 1,
      groups: [{ name: 'a', channel: 'openai', upstreams: [{ url: 'https://h' }] }],
    },
    null,
    '\t',
  )
  const { config, originOf } = await load(`\uFEFF${text}`)
  assert.equal(config.groups[0]?.name, 'a')
  assert.deepEqual([originOf(['groups', 0, 'name'])?.line, originOf(['version'])?.line], [6, 3])
})

test('anchors, aliases and merge keys work, and errors behind them have a place', async () => {
  const text = `version: 1
groups:
  - &base { name: a, channel: openai, upstreams: &up [{ url: "https://h" }] }
  - { name: b, channel: gemini, upstreams: *up }
  - { <<: *base, name: c }
`
  const { config } = await load(text)
  assert.deepEqual(
    config.groups.map(({ name, channel }) => `${name} ${channel}`),
    ['a openai', 'b gemini', 'c openai'],
  )
  assert.deepEqual(await errorsOf(text.replace('https://h', 'h')), [
    '3:62 groups[0].upstreams[0].url: must be an http:// or https:// URL',
    '3:62 groups[1].upstreams[0].url: must be an http:// or https:// URL',
    '5:5 groups[2].upstreams[0].url: must be an http:// or https:// URL',
  ])
})

test('all errors are reported at once, each with its place and what was probably meant', async () => {
  const text = `version: 2
setings: {}
settings: { max_retrys: 3, max_retries: many }
groups:
  - name: "Not A Segment"
    chanel: openai
    upstreams:
      - { url: "ftp://h", wieght: 1 }
      - { url: "https://h", weight: -1 }
  - { name: b, channel: opena1, upstreams: [] }
  - { name: c, channel: openai }
  - just-text
access_keys:
  - { name: x, key: short, groups: [] }
  - { name: y, key: "\${env:NOT_SET}", groups: ["*"] }
`
  assert.deepEqual(await errorsOf(text), [
    '1:10 version: must be 1',
    '2:1 setings: unknown field, did you mean "settings"?',
    '3:13 settings.max_retrys: unknown field, did you mean "max_retries"?',
    '3:41 settings.max_retries: must be a number, not a string',
    '5:5 groups[0].channel: the field "channel" is missing',
    '5:11 groups[0].name: use 1 to 100 of a-z, 0-9, _ and -: the name is a URL segment',
    '6:5 groups[0].chanel: unknown field, did you mean "channel"?',
    '8:16 groups[0].upstreams[0].url: must be an http:// or https:// URL',
    '8:27 groups[0].upstreams[0].wieght: unknown field, did you mean "weight"?',
    '9:37 groups[0].upstreams[1].weight: must be at least 0',
    '10:25 groups[1].channel: must be one of openai, openai-response, anthropic, gemini, azure-openai; did you mean "openai"?',
    '10:44 groups[1].upstreams: a group needs at least one upstream',
    '11:5 groups[2].upstreams: the field "upstreams" is missing',
    '12:5 groups[3]: must be a map of fields, not a string',
    '14:21 access_keys[0].key: must have at least 16 characters: openssl rand -hex 24 makes a good one',
    '14:36 access_keys[0].groups: must not be empty',
    '15:21 the environment variable NOT_SET is not set',
  ])
})

test('a code frame shows the lines around, a caret, and stars in place of keys', async () => {
  const { message } = await failure(
    load(
      'version: 1\ngroups:\n  - name: a\n    keys: [literal-key-1, sk-literal]\n    wieght: 1\n    channel: openai\n    upstreams: [{ url: "https://h" }]\n',
    ),
  )
  assert.equal(
    message,
    `The configuration file has an error:

${path}:5:5: error: groups[0].wieght: unknown field
  3 |   - name: a
  4 |     keys: [*************, **********]
> 5 |     wieght: *
    |     ^^^^^^
  6 |     channel: openai`,
  )
})

test('an aggregate is judged as an aggregate', async () => {
  assert.deepEqual(
    await errorsOf(
      'version: 1\ngroups:\n  - { name: a, channel: openai, members: [{ group: b, wait: 1 }], keys: [x] }\n',
    ),
    [
      '3:55 groups[0].members[0].wait: unknown field; known here: group, weight',
      '3:67 groups[0].keys: unknown field; known here: name, display_name, description, channel, enabled, sort, param_overrides, header_rules, model_redirects, model_redirect_strict, settings, members',
    ],
  )
})

test('files that are empty, a list or a text are refused at their beginning', async () => {
  assert.deepEqual(await errorsOf(''), ['1:1 must be a map of fields, not nothing'])
  assert.deepEqual(await errorsOf('- a\n'), ['1:1 must be a map of fields, not a list'])
  assert.deepEqual(await errorsOf('{}'), ['1:1 version: the field "version" is missing'])
})

test('a file that cannot be read is one error with its reason', async () => {
  const error = await failure(loadConfigFile('/none.yaml', { env: {}, files: createMemoryFiles({}) }))
  assert.equal(
    error.message,
    'The configuration file has an error:\n\n/none.yaml:1:1: error: cannot be read: there is no such file',
  )
  assert.equal(error.code, 'CONFIG_FILE_INVALID')
})

test('a syntax error has its place and shows no word that the schema does not know', async () => {
  const text =
    'version: 1\ngroups:\n  - name: secret-name\n    keys: [hunter2hunter2, "with: colon"\n    channel: openai\n'
  const error = await failure(load(text))
  assert.match(error.message, /gpt-load\.yaml:\d+:\d+: error: /)
  assert.match(error.message, /channel: openai/)
  for (const word of ['hunter2', 'secret-name', 'colon']) assert.ok(!error.message.includes(word), error.message)
})

test('a field that is given twice is an error', async () => {
  assert.match((await errorsOf('version: 1\nversion: 1\n'))[0] ?? '', /^2:1 .*unique/)
})

test('aliases that expand without end are refused', async () => {
  const bomb = [
    'a: &a [x, x, x, x, x, x, x, x, x]',
    ...'bcdefgh'.split('').map((name, at) => `${name}: &${name} [${Array(9).fill(`*${'abcdefgh'[at]}`).join(', ')}]`),
  ].join('\n')
  assert.ok((await errorsOf(`version: 1\n${bomb}\n`)).some((error) => error.includes('expand to too much')))
})

test('$${ is a literal ${, and anything but ${env:NAME} is refused with advice', async () => {
  const group = (text: string) =>
    `version: 1\ngroups:\n  - { name: a, channel: openai, upstreams: [{ url: "https://h" }], description: "${text}" }\n`
  const { config } = await load(group('$${env:X} ${env:X}${env:X} $5 {y}'), { X: 'x$${z}' })
  assert.equal(config.groups[0]?.description, '${env:X} x$${z}x$${z} $5 {y}')
  for (const text of ['${HOME}', '${env:}', '${env:A-B}', '${env:A', '${']) {
    assert.deepEqual(await errorsOf(group(text), { A: 'a' }), [
      '3:81 only ${env:NAME} can be used here; write $${ for a literal ${',
    ])
  }
})

test('names of fields are not interpolated', async () => {
  const text =
    'version: 1\ngroups:\n  - { name: a, channel: openai, upstreams: [{ url: "https://h" }], param_overrides: { "${env:X}": 1 } }\n'
  const { config } = await load(text, { X: 'y' })
  assert.deepEqual(config.groups[0]?.param_overrides, { '${env:X}': 1 })
})

test('a value from the environment that is refused is in no message', async () => {
  const text = 'version: 1\nsettings: { failover_status_codes: "${env:CODES}", max_retries: "${env:CODES}" }\n'
  const { message } = await failure(load(text, { CODES: 'canary-not-a-code' }))
  assert.match(message, /settings\.failover_status_codes/)
  assert.ok(!message.includes('canary'))
})

test('names used twice are errors with the first line, keys used twice are warnings', async () => {
  const group = (name: string, rest = '') =>
    `  - { name: ${name}, channel: openai, upstreams: [{ url: "https://h" }]${rest} }\n`
  const twice = `version: 1\ngroups:\n${group('a')}${group('b')}${group('a')}`
  assert.deepEqual(await errorsOf(twice), ["5:13 this group's name is used twice, first in line 3"])
  const keys = `version: 1\ngroups:\n  - name: a\n    channel: openai\n    upstreams: [{ url: "https://h" }]\n    keys_file: keys.txt\n    keys:\n      - one\n      - two\n      - one\n`
  const { warnings } = await load(keys, {}, { '/etc/keys.txt': 'three\ntwo\nthree\n' })
  assert.deepEqual(
    warnings.map(({ file, line, message }) => `${file}:${line} ${message}`),
    [
      '/etc/gpt-load.yaml:10 this key is in the group twice, first in line 8',
      '/etc/keys.txt:2 this key is in the group twice, first in line 9 of /etc/gpt-load.yaml',
      '/etc/keys.txt:3 this key is in the group twice, first in line 1',
    ],
  )
  assert.ok(warnings.every((warning) => !/one|two|three/.test(renderDiagnostic(warning))))
})

test('a keys file that cannot be read is an error where it is named; its bad lines are errors of their own', async () => {
  const text =
    'version: 1\ngroups:\n  - { name: a, channel: openai, upstreams: [{ url: "https://h" }], keys_file: missing.txt }\n'
  assert.deepEqual(await errorsOf(text), ['3:79 the keys file /etc/missing.txt cannot be read: there is no such file'])
  const { diagnostics } = await failure(
    load(text, {}, { '/etc/missing.txt': `good\nb\u0000ad\n${'x'.repeat(5_000)}\n` }),
  )
  assert.deepEqual(
    diagnostics.map(({ file, line }) => `${file}:${line}`),
    ['/etc/missing.txt:2', '/etc/missing.txt:3'],
  )
  assert.match(diagnostics[0]?.message ?? '', /not a usable key: .*control characters/)
})

test('a keys file with thousands of bad lines lists twenty and counts the rest', async () => {
  const text =
    'version: 1\ngroups:\n  - { name: a, channel: openai, upstreams: [{ url: "https://h" }], keys_file: k }\n'
  const { diagnostics } = await failure(load(text, {}, { '/etc/k': 'b\u0001ad\n'.repeat(5_000) }))
  assert.equal(diagnostics.length, 21)
  assert.match(diagnostics[20]?.message ?? '', /^4980 more lines/)
})

test('literal keys in a file that everybody may read are a warning, variables are not', async () => {
  const text = (key: string) => `version: 1\naccess_keys:\n  - { name: a, key: "${key}", groups: ["*"] }\n`
  const readable = { [path]: 0o644 }
  const { warnings } = await load(text('a-literal-key-of-length'), {}, {}, readable)
  assert.deepEqual(
    warnings.map(({ line, column, severity }) => [line, column, severity]),
    [[3, 21, 'warning']],
  )
  assert.ok(!renderDiagnostic(warnings[0] as never).includes('literal-key'))
  assert.deepEqual((await load(text('${env:K}'), { K: 'a-literal-key-of-length' }, {}, readable)).warnings, [])
  const withFile = await load(complete, env, keysFile, { '/etc/keys.txt': 0o604 })
  assert.deepEqual(
    withFile.warnings.map(({ line }) => line),
    [10],
  )
})

test('reads real files, relative to the configuration file', async (context) => {
  const directory = mkdtempSync(join(tmpdir(), 'config-file-'))
  context.after(() => rmSync(directory, { recursive: true }))
  writeFileSync(
    join(directory, 'c.yaml'),
    'version: 1\ngroups:\n  - { name: a, channel: openai, upstreams: [{ url: "https://h" }], keys_file: k.txt }\n',
    { mode: 0o600 },
  )
  writeFileSync(join(directory, 'k.txt'), Array.from({ length: 100_000 }, (_, index) => `key-${index}`).join('\n'))
  chmodSync(join(directory, 'k.txt'), 0o600)
  const { keysFiles, warnings } = await loadConfigFile(join(directory, 'c.yaml'), { env: {} })
  assert.deepEqual([keysFiles[0]?.keyCount, warnings], [100_000, []])
  await failure(loadConfigFile(directory, { env: {} }))
})

/** Some begin with what the loader gives a meaning to. */
const canary = fc
  .tuple(fc.constantFrom('', '', '${', '$${', '${env:', '${}', '{', '#', '- ', '*'), fc.string({ maxLength: 6 }))
  .map(([start, text]) => `${start}${text}Zq7canaryX`)

/** Places of a secret and what may be wrong around them. */
const broken = fc.record({
  keyAs: fc.constantFrom('keys', 'kyes', 'key', 'Keys', 'keys_', 'api_key'),
  shape: fc.constantFrom('list', 'text', 'map', 'nested'),
  channel: fc.constantFrom('openai', 'opena'),
  style: fc.constantFrom('PLAIN', 'QUOTE_DOUBLE', 'BLOCK_FOLDED'),
  cutAt: fc.option(fc.nat(400)),
  noise: fc.option(fc.constantFrom('[', '{', '"', ': :', '\t', '*x', '!t', '&', '- -', '%', '@')),
  indent: fc.integer({ min: 1, max: 8 }),
})

test('property: no key comes out of any error, whatever is wrong around it', async () => {
  await fc.assert(
    fc.asyncProperty(canary, broken, async (secret, { keyAs, shape, channel, style, cutAt, noise, indent }) => {
      const value = { list: [secret, secret], text: secret, map: { [secret]: secret }, nested: [[{ key: secret }]] }[
        shape
      ]
      const data = {
        version: 3,
        groups: [{ name: 'a', channel, [keyAs]: value, upstreams: [{ url: 'x' }] }, secret],
        access_keys: [{ name: 'n', key: secret, groups: 'all' }],
      }
      let text = stringify(data, { defaultStringType: style as 'PLAIN', indent })
      if (noise !== null) text = text.replace('upstreams', `${noise}upstreams`)
      // Cutting between the characters of a secret would leave a part of it as another word.
      if (cutAt !== null && cutAt < text.length) text = text.slice(0, text.indexOf('\n', cutAt))
      const { message } = await failure(load(text))
      assert.ok(!message.includes('canaryX'), `${message}\n---\n${text}`)
    }),
    { numRuns: 400 },
  )
})

test('property: no interpolated value comes out of any error', async () => {
  await fc.assert(
    fc.asyncProperty(
      canary,
      fc.constantFrom('name', 'channel', 'description', 'test_model', 'enabled', 'validation_endpoint'),
      async (secret, field) => {
        const text = stringify({
          version: 2,
          groups: [{ name: 'a', channel: 'openai', upstreams: [], [field]: '${env:S}' }],
        })
        return !(await failure(load(text, { S: secret }))).message.includes('canaryX')
      },
    ),
  )
})
