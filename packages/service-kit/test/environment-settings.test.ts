import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { ConfigError } from '../src/config-error.ts'
import { checkEnvironmentSettings, readEnvironmentSettings } from '../src/environment-settings.ts'
import { readEnvironment } from '../src/environment.ts'
import { envInteger } from '../src/environment-variables.ts'

test('a setting is its name in capitals; what is empty or unknown is no setting', () => {
  const source = { MAX_RETRIES: ' 7 ', AUTH_KEY_OPENS_PROXY: 'off', REQUEST_TIMEOUT: '', PATH: '/bin' }
  assert.deepEqual(readEnvironmentSettings(source), { max_retries: 7, auth_key_opens_proxy: false })
})

test('a name of GPT-Load 0.1 counts, the present name wins', () => {
  assert.deepEqual(readEnvironmentSettings({ RESPONSE_TIMEOUT: '40' }), { response_header_timeout: 40 })
  const both = { RESPONSE_TIMEOUT: '40', RESPONSE_HEADER_TIMEOUT: '50' }
  assert.deepEqual(readEnvironmentSettings(both), { response_header_timeout: 50 })
})

test('problems of settings are in one report with those of other variables', () => {
  const source = { MAX_RETRIES: 'many', CONNECT_TIMEOUT: '-1', PORT: 'x' }
  const schema = z.object({ PORT: envInteger({ default: 1 }) })
  assert.throws(
    () => readEnvironment(schema, source, { checks: [checkEnvironmentSettings(source)] }),
    (error: Error) => {
      assert.ok(error instanceof ConfigError)
      const variables = error.problems.map(({ variable }) => variable).toSorted()
      assert.deepEqual(variables, ['CONNECT_TIMEOUT', 'MAX_RETRIES', 'PORT'])
      return true
    },
  )
  assert.throws(() => readEnvironmentSettings(source), ConfigError)
})
