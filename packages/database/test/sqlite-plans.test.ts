import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { placeholders } from '../src/sql-runner.ts'
import { openMigrated, sqliteConnection } from './open-databases.ts'

/** Shapes of statements that a million keys must not make slow, and the index that each has to go by. */
const someIds = placeholders(500)
const shapes: [what: string, sql: string, parameters: number, plan: RegExp][] = [
  [
    'keys of a group by id',
    `SELECT id FROM provider_keys WHERE group_id = ? AND id IN (${someIds})`,
    501,
    /PRIMARY KEY/,
  ],
  [
    'a range of keys of a group',
    'SELECT id, state, cause FROM provider_keys WHERE id BETWEEN ? AND ? AND group_id = ? ORDER BY id',
    3,
    /PRIMARY KEY/,
  ],
  ['what came after an id', 'SELECT id, state FROM provider_keys WHERE id > ? AND group_id = ?', 2, /PRIMARY KEY/],
  [
    'the next page of a group',
    'SELECT id, hash FROM provider_keys WHERE group_id = ? AND id > ? ORDER BY id LIMIT 500',
    2,
    /PRIMARY KEY/,
  ],
  [
    'keys in a state, by id',
    'SELECT id FROM provider_keys WHERE group_id = ? AND state = ? AND id > ? ORDER BY id LIMIT 500',
    3,
    /provider_keys_state \(group_id=\? AND state=\? AND id>\?\)/,
  ],
  [
    'known hashes',
    `SELECT hash FROM provider_keys WHERE group_id = ? AND hash IN (${someIds})`,
    501,
    /provider_keys_hash \(group_id=\? AND hash=\?\)/,
  ],
  [
    'a suffix',
    'SELECT id FROM provider_keys WHERE group_id = ? AND suffix = ? ORDER BY id DESC LIMIT 100',
    2,
    /provider_keys_suffix \(group_id=\? AND suffix=\?\)/,
  ],
  [
    'the keys that were not probed for longest',
    'SELECT id FROM provider_keys WHERE group_id = ? AND state = ? AND last_probe_at <= ? ORDER BY last_probe_at LIMIT 5',
    3,
    /provider_keys_probe \(group_id=\? AND state=\? AND last_probe_at<\?\)/,
  ],
  [
    'states that are over',
    'SELECT id FROM provider_keys WHERE state = ? AND until > 0 AND until <= ? LIMIT 500',
    2,
    /provider_keys_due \(state=\? AND until>\? AND until<\?\)/,
  ],
]

suite('plans of SQLite', () => {
  for (const [what, sql, parameters, plan] of shapes)
    test(`${what}: no reading of whole groups, no sorting`, async () => {
      await using opened = await openMigrated(sqliteConnection())
      const unknown = Array.from({ length: parameters }, () => 1)
      // By the connection that reads, which was open before the statistics were, and by the one that writes.
      const explain = `EXPLAIN QUERY PLAN ${sql}`
      const read = await opened.handle.sql.query<{ detail: string }>(explain, unknown)
      const written = await opened.handle.write((tx) => tx.sql.query<{ detail: string }>(explain, unknown))
      for (const steps of [read, written]) {
        assert.equal(steps.length, 1, JSON.stringify(steps))
        assert.match(steps[0]!.detail, plan)
      }
    })
})
