import assert from 'node:assert/strict'
import { createSecretKey, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { EnvelopeError, openEnvelope } from '../src/envelope.ts'
import { openKeyring } from '../src/keyring.ts'
import { openProviderKey, sealProviderKeys } from '../src/row-secrets.ts'
import { resultsOf, type SealingMaterial } from '../src/seal-many.ts'
import { createSealingThread } from '../src/sealing-thread-client.ts'
import { openMigrated, sqliteConnection } from './open-databases.ts'

const masterKey = 'a master key of enough length'
/** As many as a thread takes, and as few as are done where one is. */
const sizes = [3_000, 3]
const keysOf = (count: number): string[] => Array.from({ length: count }, (_, index) => `sk-ключ-${index}`)

for (const size of sizes)
  test(`${size} keys are hashed and sealed in their order, for whoever holds the data key`, async () => {
    await using opened = await openMigrated(sqliteConnection())
    const keyring = await openKeyring({ database: opened.handle, masterKey })
    const other = await openKeyring({ database: opened.another(), masterKey })
    const keys = keysOf(size)
    const hashes = await keyring.hashTokens(keys)
    assert.deepEqual(
      hashes.map((hash) => Buffer.from(hash).toString('hex')),
      keys.map((key) => Buffer.from(other.hashToken(key)).toString('hex')),
    )
    const secrets = await sealProviderKeys(
      keyring,
      keys.map((key, index) => ({ key, hash: hashes[index]! })),
    )
    // Twice by the one that has sealed them: the first time it remembers.
    for (const reader of [other, keyring, keyring])
      assert.deepEqual(
        secrets.map((secret, index) => openProviderKey(reader, hashes[index]!, secret)),
        keys,
      )
  })

test('what was just sealed opens by its own envelope and purpose only', async () => {
  await using opened = await openMigrated(sqliteConnection())
  const keyring = await openKeyring({ database: opened.handle, masterKey })
  const [first, second] = (await keyring.sealTexts(['one', 'two'], ['a', 'b'])) as [Uint8Array, Uint8Array]
  assert.throws(() => keyring.openText(second, 'a'), EnvelopeError)
  const damaged = Buffer.from(first)
  damaged[20]! ^= 1
  assert.throws(() => keyring.openText(damaged, 'a'), EnvelopeError)
  assert.equal(keyring.openText(first, 'a'), 'one')
})

test('a thread that dies leaves its work to the one that asked', async () => {
  const script = new URL(`data:text/javascript,${encodeURIComponent(dyingThread)}`)
  const seal = createSealingThread({ script })
  const material: SealingMaterial = { pepper: randomBytes(32), keyId: 1, key: createSecretKey(randomBytes(32)) }
  const texts = keysOf(1_500)
  const purposes = texts.map((_, index) => `purpose ${index}`)
  // Again: the next one dies as well.
  for (let attempt = 0; attempt < 2; attempt++) {
    const sealed = resultsOf(await seal(material, { kind: 'seal', texts, purposes }))
    assert.equal(openEnvelope(material.key, sealed[1_499]!, Buffer.from('purpose 1499')).toString(), texts[1_499])
  }
})

const dyingThread = `
import { parentPort } from 'node:worker_threads'
parentPort.on('message', () => { throw new Error('out of memory') })
`
