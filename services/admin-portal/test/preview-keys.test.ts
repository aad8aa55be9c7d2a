import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseKeysText } from '../../config-service/src/keys/parse-keys-text.ts'
import { previewKeys } from '../src/features/keys/preview-keys.ts'

test('the preview of pasted keys counts what the API will find in them', () => {
  const texts = [
    '',
    'a\nb\nc',
    '# keys of Tuesday\na, b;c  d\n\n a\n',
    '["a","b"," a "]',
    '[]',
    '["a", 1]',
    '[broken\na',
    'a\r\nb\rc',
  ]
  for (const text of texts) {
    const found = parseKeysText(text).map(({ key }) => key)
    const distinct = new Set(found).size
    assert.deepEqual(previewKeys(text), { keys: distinct, duplicate: found.length - distinct }, JSON.stringify(text))
  }
})
