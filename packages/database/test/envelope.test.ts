import assert from 'node:assert/strict'
import { createSecretKey, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { openEnvelope, sealEnvelope } from '../src/envelope.ts'

test('no two envelopes share a nonce, and each opens', () => {
  const key = createSecretKey(randomBytes(32))
  const purpose = Buffer.from('a test')
  const text = Buffer.from('sk-secret')
  // Several fillings of the pool that they come from.
  const envelopes = Array.from({ length: 1_000 }, () => sealEnvelope(key, 7, text, purpose))
  assert.equal(new Set(envelopes.map((envelope) => envelope.toString('hex', 5, 17))).size, 1_000)
  for (const envelope of envelopes) assert.deepEqual(openEnvelope(key, envelope, purpose), text)
})
