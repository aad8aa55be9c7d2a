import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { keyHint } from '@gpt-load/contracts/key-hint'
import { maskBytes, maskOf, maskText } from '../../src/data-plane/answer/mask-secret.ts'

const secret = fc.stringMatching(/^[!-~]{1,60}$/)

suite('masks', () => {
  test('are as long as the key, so that Content-Length stays true', () => {
    fc.assert(fc.property(secret, (key) => assert.equal(maskOf(key).length, key.length)))
  })

  test('show what the hint shows', () => {
    const plain = fc.stringMatching(/^[a-zA-Z0-9-]{1,60}$/)
    assert.equal(maskOf('sk-abcdefghijklmnop'), 'sk-*************nop')
    assert.equal(maskOf('short'), '*****')
    fc.assert(fc.property(plain, (key) => assert.equal(maskOf(key).replace(/\*+/, '…'), keyHint(key))))
  })

  test('take the place of every occurrence, wherever it stands, and of nothing else', () => {
    const key = fc.stringMatching(/^sk-[a-z0-9]{16,40}$/)
    fc.assert(
      fc.property(key, fc.array(fc.uint8Array({ maxLength: 20 }), { minLength: 1, maxLength: 5 }), (value, parts) => {
        const joined = Buffer.concat(
          parts.flatMap((part, index) => (index === 0 ? [part] : [Buffer.from(value), part])),
        )
        const masked = Buffer.from(maskBytes(joined, value, maskOf(value)))
        const mask = Buffer.from(maskOf(value))
        const expected = Buffer.concat(parts.flatMap((part, index) => (index === 0 ? [part] : [mask, part])))
        assert.deepEqual(masked, expected)
        if (parts.length === 1) assert.equal(maskBytes(joined, value, maskOf(value)), joined, 'no copy without need')
      }),
    )
  })

  test('work on text as on bytes', () => {
    assert.equal(maskText('a KEYKEY b', 'KEY', '***'), 'a ****** b')
    assert.equal(maskText('a', '', ''), 'a')
  })
})
