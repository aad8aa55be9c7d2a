import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'

const folder = new URL('../migrations/', import.meta.url)
const numbersOf = (dialect: string) =>
  readdirSync(new URL(`${dialect}/`, folder))
    .map((name) => Number(name.slice(0, 4)))
    .toSorted((a, b) => a - b)

for (const component of ['', '-logs'])
  test(`migrations${component} are numbered without a gap or a double, alike in both dialects`, () => {
    const numbers = numbersOf(`mysql${component}`)
    assert.deepEqual(
      numbers,
      numbers.map((_, index) => index + 1),
    )
    assert.deepEqual(numbersOf(`sqlite${component}`), numbers)
  })
