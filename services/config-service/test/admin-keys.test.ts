import assert from 'node:assert/strict'
import { test } from 'node:test'
import { generateAdminKey, hashAdminKey } from '@gpt-load/database/admin-key-hash'
import { createEnvironmentAdminKeys, createStoredAdminKeys } from '../src/admin-keys.ts'

test('the key of the environment opens everything, another nothing', async () => {
  const keys = createEnvironmentAdminKeys('correct-horse-battery')
  assert.deepEqual([...((await keys.verify('correct-horse-battery'))?.scopes ?? [])], ['read', 'write', 'secrets:read'])
  assert.equal(await keys.verify('correct-horse-batterY'), null)
  assert.equal(await keys.verify(''), null)
})

test('a generated key is known by its hash only, until the hash is gone', async () => {
  const token = generateAdminKey()
  const hash = await hashAdminKey(token)
  assert.ok(!hash.includes(token) && hash.length <= 255)
  let hashes: string[] = [hash]
  const used: string[] = []
  const keys = createStoredAdminKeys({
    loadHashes: async () => hashes,
    onFirstUse: async (which) => void used.push(which),
  })
  assert.equal(await keys.verify(generateAdminKey()), null)
  assert.equal((await keys.verify(token))?.name, 'admin')
  assert.equal((await keys.verify(token))?.name, 'admin')
  assert.equal(await keys.verify(generateAdminKey()), null)
  assert.deepEqual(used, [hash])
  hashes = []
  assert.equal(await keys.verify(token), null)
})

test('a flood of guesses is bounded: past the queue they count as wrong at once', async () => {
  const hash = await hashAdminKey(generateAdminKey())
  const keys = createStoredAdminKeys({ loadHashes: async () => [hash] })
  const guesses = await Promise.all(Array.from({ length: 200 }, () => keys.verify(generateAdminKey())))
  assert.ok(guesses.every((actor) => actor === null))
})
