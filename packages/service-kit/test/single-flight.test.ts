import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSingleFlight } from '../src/single-flight.ts'

test('callers of one key share one run, other keys have their own, and the next call runs again', async () => {
  const singleFlight = createSingleFlight<number>()
  let runs = 0
  const gate = Promise.withResolvers<void>()
  const run = async () => {
    runs += 1
    await gate.promise
    return runs
  }
  const calls = [singleFlight('a', run), singleFlight('a', run), singleFlight('b', run)]
  gate.resolve()
  await Promise.all(calls)
  assert.equal(calls[0], calls[1])
  assert.equal(runs, 2)
  assert.equal(await singleFlight('a', run), 3)
})

test('an error, also a synchronous one, reaches every caller and is not kept', async () => {
  const singleFlight = createSingleFlight<number>()
  const run = () => {
    throw new Error('no')
  }
  await Promise.all([assert.rejects(singleFlight('a', run), /no/), assert.rejects(singleFlight('a', run), /no/)])
  assert.equal(await singleFlight('a', async () => 1), 1)
})
