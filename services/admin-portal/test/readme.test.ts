import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { environmentTableMismatches } from '@gpt-load/service-kit/environment-table'
import { portalVariables } from '../src/config.ts'

test('the README lists every variable with its default', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  assert.deepEqual(environmentTableMismatches(portalVariables, readme), [])
})
