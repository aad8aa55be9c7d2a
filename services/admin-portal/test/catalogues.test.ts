import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { settingsRegistry, type SettingName } from '@gpt-load/contracts/settings'
import { settingTexts as jaSettings, unitTexts as jaUnits } from '../src/features/settings/setting-texts.ja.ts'
import { settingTexts as zhSettings, unitTexts as zhUnits } from '../src/features/settings/setting-texts.zh.ts'
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

/** Header and setting names, values, and numbers are the same in every language. */
const literals = (text: string): string[] =>
  [...text.matchAll(/[a-z]+_[a-z_]+|\/v1|[A-Z]{3,}[A-Z_]+|\b\d+\b/g)].map(([found]) => found).toSorted()

for (const [language, catalogue] of Object.entries({ zh: zhSettings, ja: jaSettings }))
  test(`the meanings of settings in ${language} name what the English ones name`, () => {
    const names = Object.keys(settingsRegistry) as SettingName[]
    const differing = names.filter((name) => {
      const english = new Set(literals(settingsRegistry[name].description))
      const said = new Set(literals(catalogue[name]))
      return [...english].some((literal) => !said.has(literal))
    })
    assert.deepEqual(differing, [])
    assert.deepEqual(Object.keys(catalogue).toSorted(), names.toSorted())
  })

for (const [language, units] of Object.entries({ zh: zhUnits, ja: jaUnits }))
  test(`units of settings in ${language} are not in English`, () => {
    const same = Object.entries(units).filter(
      ([unit, text]) => unit !== '%' && /[a-z]{2}/.test(text.replace('Token', '')),
    )
    assert.deepEqual(same, [])
  })
