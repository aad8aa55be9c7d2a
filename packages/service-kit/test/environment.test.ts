import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { z } from 'zod'
import { ConfigError } from '../src/config-error.ts'
import { readEnvironment, secretValues, type EnvironmentSource } from '../src/environment.ts'
import {
  envBoolean,
  envChoice,
  envDurationMs,
  envInteger,
  envList,
  envSecret,
  envString,
  envUrl,
} from '../src/environment-variables.ts'

const schema = z.object({
  AUTH_KEY: envSecret({ minLength: 16 }),
  PORT: envInteger({ min: 1, max: 65_535, default: 3001 }),
  ENABLE_CORS: envBoolean({ default: false }),
  ALLOWED_ORIGINS: envList({ default: [] }),
  TIMEOUT: envDurationMs({ default: 60_000, maxMs: 3_600_000 }),
  BASE_URL: envUrl().optional(),
  LOG_FORMAT: envChoice(['text', 'json'], { default: 'text' }),
  NAME: envString({ pattern: /^[a-z]+$/ }).optional(),
})

const AUTH_KEY = 'a-key-of-enough-characters'

function read(source: EnvironmentSource, files: Record<string, string> = {}) {
  return readEnvironment(schema, source, { readFile: (path) => fileText(files, path) })
}

function fileText(files: Record<string, string>, path: string): string {
  const text = files[path]
  if (text === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' })
  return text
}

function problemsOf(run: () => unknown): ConfigError {
  try {
    run()
  } catch (error) {
    assert.ok(error instanceof ConfigError)
    return error
  }
  return assert.fail('no ConfigError was thrown')
}

test('reads every kind of variable into its type and fills in defaults', () => {
  const config = read({ AUTH_KEY, PORT: '8080', ENABLE_CORS: 'YES', ALLOWED_ORIGINS: 'a, b,,c', TIMEOUT: '1m30s' })
  assert.equal(config.PORT, 8080)
  assert.equal(config.ENABLE_CORS, true)
  assert.deepEqual(config.ALLOWED_ORIGINS, ['a', 'b', 'c'])
  assert.equal(config.TIMEOUT, 90_000)
  assert.equal(config.LOG_FORMAT, 'text')
  assert.equal(config.BASE_URL, undefined)
})

test('an empty variable counts as not set', () => {
  assert.equal(read({ AUTH_KEY, PORT: '', NAME: '' }).PORT, 3001)
  assert.match(problemsOf(() => read({ AUTH_KEY: '' })).message, /AUTH_KEY is required and not set/)
})

test('the configuration is frozen to its leaves', () => {
  const config = read({ AUTH_KEY, ALLOWED_ORIGINS: 'a' })
  assert.ok(Object.isFrozen(config))
  assert.ok(Object.isFrozen(config.ALLOWED_ORIGINS))
})

test('true, 1, yes, on and their opposites are booleans in any case, nothing else is', () => {
  for (const text of ['true', '1', 'yes', 'on', 'True', 'ON'])
    assert.equal(read({ AUTH_KEY, ENABLE_CORS: text }).ENABLE_CORS, true)
  for (const text of ['false', '0', 'no', 'off', 'FALSE'])
    assert.equal(read({ AUTH_KEY, ENABLE_CORS: text }).ENABLE_CORS, false)
  for (const text of ['2', 'y', 'enabled']) {
    assert.match(
      problemsOf(() => read({ AUTH_KEY, ENABLE_CORS: text })).message,
      /ENABLE_CORS is neither true nor false/,
    )
  }
})

test('all problems are reported at once, each with the variable and what to do', () => {
  const error = problemsOf(() =>
    read({
      AUTH_KEY: 'short',
      PORT: '70000',
      ENABLE_CORS: 'perhaps',
      TIMEOUT: '5 parsecs',
      LOG_FORMAT: 'xml',
      BASE_URL: 'x',
      NAME: 'A',
    }),
  )
  const variables = error.problems.map(({ variable }) => variable).toSorted()
  assert.deepEqual(variables, ['AUTH_KEY', 'BASE_URL', 'ENABLE_CORS', 'LOG_FORMAT', 'NAME', 'PORT', 'TIMEOUT'])
  assert.match(error.message, /^The configuration has 7 problems:/)
  assert.match(error.message, /PORT is out of range: 70000\n {4}-> use a whole number from 1 to 65535/)
  assert.match(error.message, /AUTH_KEY is shorter than 16 characters\n {4}-> make a good one with: openssl/)
  assert.ok(error.problems.every(({ advice }) => advice.length > 0))
})

test('numbers that JavaScript would accept by conversion are refused', () => {
  for (const text of ['1e3', '0x10', '3001.0', ' ', '1_000', 'Infinity', '99999999999999999999']) {
    assert.match(problemsOf(() => read({ AUTH_KEY, PORT: text })).message, /PORT is not a whole number/)
  }
})

test('NAME_FILE gives the value of NAME, without the line end of the file', () => {
  const config = read(
    { AUTH_KEY_FILE: '/run/secrets/auth', PORT_FILE: '/port' },
    { '/run/secrets/auth': `${AUTH_KEY}\n`, '/port': '81\r\n' },
  )
  assert.equal(config.AUTH_KEY, AUTH_KEY)
  assert.equal(config.PORT, 81)
})

test('NAME and NAME_FILE together are an error that shows neither value', () => {
  const error = problemsOf(() => read({ AUTH_KEY, AUTH_KEY_FILE: '/f' }, { '/f': 'another-key-of-enough' }))
  assert.match(error.message, /AUTH_KEY and AUTH_KEY_FILE are both set/)
  assert.ok(!error.message.includes(AUTH_KEY))
})

test('a file that is missing or empty is one problem, named by its path', () => {
  const missing = problemsOf(() => read({ AUTH_KEY_FILE: '/nowhere' }))
  assert.deepEqual(
    missing.problems.map(({ variable }) => variable),
    ['AUTH_KEY_FILE'],
  )
  assert.match(missing.message, /cannot be read: \/nowhere \(ENOENT\)/)
  const empty = problemsOf(() => read({ AUTH_KEY_FILE: '/empty' }, { '/empty': '\n' }))
  assert.deepEqual(
    empty.problems.map(({ variable }) => variable),
    ['AUTH_KEY_FILE'],
  )
})

test('a variable of the schema that ends in _FILE is that variable, not a file of another one', () => {
  const own = z.object({ KEYS: envString().optional(), KEYS_FILE: envString().optional() })
  const config = readEnvironment(own, { KEYS_FILE: 'keys.txt' }, { readFile: () => assert.fail('no file is read') })
  assert.deepEqual({ ...config }, { KEYS_FILE: 'keys.txt' })
})

test('checks between variables run together with the checks of each', () => {
  const error = problemsOf(() =>
    readEnvironment(
      schema,
      { AUTH_KEY, PORT: 'x', ENABLE_CORS: 'true' },
      {
        checks: [
          (values, report) => {
            assert.ok(!('PORT' in values))
            if (values.ENABLE_CORS && values.ALLOWED_ORIGINS?.length === 0)
              report('ENABLE_CORS', 'is on without origins', 'set ALLOWED_ORIGINS')
          },
        ],
      },
    ),
  )
  assert.deepEqual(
    error.problems.map(({ variable }) => variable),
    ['PORT', 'ENABLE_CORS'],
  )
})

test('a rule on the object itself is reported too', () => {
  const ruled = schema.refine((config) => config.PORT !== 9, { path: ['PORT'], message: 'is the discard port' })
  assert.match(problemsOf(() => readEnvironment(ruled, { AUTH_KEY, PORT: '9' })).message, /PORT is the discard port/)
})

test('a URL with credentials is refused without showing them', () => {
  const error = problemsOf(() => read({ AUTH_KEY, BASE_URL: 'https://me:hunter2secret@example.net' }))
  assert.ok(!error.message.includes('hunter2secret'))
})

test('secretValues lists the secrets that are set, nested passwords included', () => {
  const own = z.object({ AUTH_KEY: envSecret(), SPARE: envSecret().optional(), PORT: envInteger({ default: 1 }) })
  const config = readEnvironment(own, { AUTH_KEY })
  assert.deepEqual(secretValues(own, config), [AUTH_KEY])
  assert.deepEqual(secretValues(own, { AUTH_KEY: { host: 'h', password: 'p1', sentinelPassword: 'p2' } }), ['p1', 'p2'])
})

test('property: no text of a secret comes out of an error, also when another variable repeats it', () => {
  const secrets = fc
    .string({ minLength: 6, maxLength: 15, unit: 'binary' })
    .map((text) => `${text.replaceAll('\0', '')}ßcanary`.slice(-15))
  fc.assert(
    fc.property(secrets, (secret) => {
      const error = problemsOf(() =>
        read({ AUTH_KEY: secret, PORT: secret, ENABLE_CORS: secret, TIMEOUT: secret, LOG_FORMAT: secret }),
      )
      return (
        !error.message.includes(secret) &&
        !JSON.stringify(error).includes(secret) &&
        !String(error.stack).includes(secret)
      )
    }),
  )
})
