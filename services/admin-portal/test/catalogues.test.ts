import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { en } from '../src/i18n/en.ts'
import { ja } from '../src/i18n/ja.ts'
import type { MessageKey, Messages } from '../src/i18n/messages.ts'
import { zh } from '../src/i18n/zh.ts'

const keys = Object.keys(en) as MessageKey[]
const namesIn = (text: string): string[] => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? '').toSorted()

for (const [language, catalogue] of Object.entries<Messages>({ zh, ja }))
  describe(`the catalogue ${language}`, () => {
    test('fills in the same values as the English one', () => {
      for (const key of keys) assert.deepEqual(namesIn(catalogue[key]), namesIn(en[key]), key)
    })

    test('has no text that was left in English', () => {
      const same = keys.filter((key) => catalogue[key] === en[key] && /[a-z]{3}/.test(en[key]))
      assert.deepEqual(same, [])
    })
  })
