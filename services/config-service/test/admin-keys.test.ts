import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { test } from 'node:test'
import { generateAdminKey, hashAdminKey } from '@gpt-load/database/admin-key-hash'
import { createEnvironmentAdminKeys, createStoredAdminKeys } from '../src/admin-keys.ts'

const hashToken = (text: string) => hash('sha256', `a pepper ${text}`, 'buffer')

test('the key of the environment opens everything, another nothing', async () => {
  const keys = createEnvironmentAdminKeys('correct-horse-battery', { hashToken })
  assert.deepEqual([...((await keys.verify('correct-horse-battery'))?.scopes ?? [])], ['read', 'write', 'secrets:read'])
  assert.equal(await keys.verify('correct-horse-batterY'), null)
  assert.equal(await keys.verify(''), null)
})

test('a credential is found again by an id that fits its column, until the key is another one', async () => {
  const keys = createEnvironmentAdminKeys('correct-horse-battery', { hashToken })
  const id = (await keys.verify('correct-horse-battery'))?.id ?? ''
  assert.ok(id.length > 40 && id.length <= 64 && !id.includes('correct'))
  assert.equal((await keys.find(id))?.name, 'admin')
  assert.equal(await createEnvironmentAdminKeys('another-horse-battery', { hashToken }).find(id), null)

  let hashes = [await hashAdminKey('a-generated-key-of-length')]
  const stored = createStoredAdminKeys({ loadHashes: async () => hashes })
  const storedId = (await stored.verify('a-generated-key-of-length'))?.id ?? ''
  assert.ok(storedId.length <= 64)
  assert.equal((await stored.find(storedId))?.name, 'admin')
  hashes = [await hashAdminKey('a-generated-key-of-length')]
  assert.equal(await stored.find(storedId), null)
})

test('a generated key is known by its hash only, until the hash is gone', async () => {
  const token = generateAdminKey()
  const stored = await hashAdminKey(token)
  assert.ok(!stored.includes(token) && stored.length <= 255)
  let hashes: string[] = [stored]
  const used: string[] = []
  const keys = createStoredAdminKeys({
    loadHashes: async () => hashes,
    onFirstUse: async (which) => void used.push(which),
  })
  assert.equal(await keys.verify(generateAdminKey()), null)
  assert.equal((await keys.verify(token))?.name, 'admin')
  assert.equal((await keys.verify(token))?.name, 'admin')
  assert.equal(await keys.verify(generateAdminKey()), null)
  assert.deepEqual(used, [stored])
  hashes = []
  assert.equal(await keys.verify(token), null)
})

test('a flood of guesses is bounded: past the queue they count as wrong at once', async () => {
  const stored = await hashAdminKey(generateAdminKey())
  const keys = createStoredAdminKeys({ loadHashes: async () => [stored] })
  const guesses = await Promise.all(Array.from({ length: 200 }, () => keys.verify(generateAdminKey())))
  assert.ok(guesses.every((actor) => actor === null))
})
