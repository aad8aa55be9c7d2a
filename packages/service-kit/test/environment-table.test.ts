import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { describeEnvironment, environmentTableMismatches } from '../src/environment-table.ts'
import { envBoolean, envDurationMs, envInteger, envList, envSecret } from '../src/environment-variables.ts'

const schema = z.object({
  AUTH_KEY: envSecret({ description: 'Bearer token' }),
  PORT: envInteger({ default: 3001, description: 'Port' }),
  ENABLE_CORS: envBoolean().default(true).describe('CORS'),
  METHODS: envList({ default: ['GET', 'PUT'] }),
  TIMEOUT: envDurationMs({ default: 60_000 }),
  SPARE: envSecret().optional(),
})

const table = `
| variable | default | effect |
| --- | --- | --- |
| \`AUTH_KEY\`    | required  | Bearer token |
| \`PORT\`        | 3001      | Port |
| \`ENABLE_CORS\` | true      | CORS |
| \`METHODS\`     | \`GET,PUT\` | methods |
| \`TIMEOUT\`     | 60s       | time |
| \`SPARE\`       |           | another |
`

test('rows say name, default, description, secret and required, through optional and default', () => {
  const rows = Object.fromEntries(describeEnvironment(schema).map((row) => [row.name, row]))
  assert.deepEqual(
    [rows['AUTH_KEY']?.isSecret, rows['AUTH_KEY']?.isRequired, rows['AUTH_KEY']?.description],
    [true, true, 'Bearer token'],
  )
  assert.deepEqual([rows['PORT']?.default, rows['PORT']?.isRequired, rows['PORT']?.isSecret], ['3001', false, false])
  assert.deepEqual([rows['ENABLE_CORS']?.default, rows['ENABLE_CORS']?.description], ['true', 'CORS'])
  assert.deepEqual([rows['SPARE']?.isSecret, rows['SPARE']?.isRequired, rows['SPARE']?.default], [true, false, ''])
  assert.equal(rows['TIMEOUT']?.default, '60s')
})

test('a table that agrees has no mismatch, whatever its column widths', () => {
  assert.deepEqual(environmentTableMismatches(schema, table), [])
})

test('a missing row, another default and an unknown row are named', () => {
  const changed = table
    .replace('| 3001 ', '| 3000 ')
    .replace(/.*`SPARE`.*\n/, '')
    .concat('| `OLD_NAME` | x | y |\n')
  assert.deepEqual(environmentTableMismatches(schema, changed), [
    'PORT: the table says "3000", the schema "3001"',
    'SPARE is not in the table',
    'OLD_NAME is in the table, not in the schema',
  ])
})
