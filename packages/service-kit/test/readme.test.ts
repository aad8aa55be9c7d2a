import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { z } from 'zod'
import { adminVariables } from '../src/admin-server.ts'
import { databaseVariables } from '../src/database-dsn.ts'
import { environmentTableMismatches } from '../src/environment-table.ts'
import { kafkaVariables } from '../src/kafka-options.ts'
import { logVariables } from '../src/logger.ts'
import { redisVariables } from '../src/redis-dsn.ts'

test('the README lists every variable with its default', () => {
  const schema = z.object({
    ...databaseVariables(),
    ...redisVariables(),
    ...kafkaVariables(),
    ...adminVariables(),
    ...logVariables(),
  })
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  assert.deepEqual(environmentTableMismatches(schema, readme), [])
})
