import assert from 'node:assert/strict'
import { test } from 'node:test'
import { modelFamily, shippedPrices } from '../src/model-prices.ts'

test('a model goes by its name without date, version or place', () => {
  const families = {
    'gpt-4o-2024-08-06': 'gpt-4o',
    'GPT-4o-mini': 'gpt-4o-mini',
    'models/gemini-2.0-flash-001': 'gemini-2.0-flash',
    'gemini-2.5-flash-preview-05-20': 'gemini-2.5-flash',
    'claude-3-5-haiku-latest': 'claude-3-5-haiku',
    'claude-opus-4-20250514': 'claude-opus-4',
    'claude-sonnet-4-5@20250929': 'claude-sonnet-4-5',
    'text-embedding-3-large': 'text-embedding-3-large',
    o3: 'o3',
  }
  for (const [model, family] of Object.entries(families)) assert.equal(modelFamily(model), family)
})

test('every shipped price is found by its own name, once per day, and cached input never costs more', () => {
  const keys = shippedPrices.map(({ provider, model, effective_from: from }) => `${provider} ${model} ${from}`)
  assert.equal(new Set(keys).size, keys.length)
  for (const { model, input, cached, effective_from: from } of shippedPrices) {
    assert.equal(modelFamily(model), model)
    assert.match(from, /^20\d\d-\d\d-\d\d$/)
    assert.ok(cached === null || cached < input, model)
  }
})
