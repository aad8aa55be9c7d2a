import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createManualClock } from '../src/manual-clock.ts'
import { StartupError } from '../src/startup-error.ts'
import { untilAvailable } from '../src/until-available.ts'
import { createRecordingLogger } from './fixtures/recording-logger.ts'

function waiting() {
  const clock = createManualClock()
  return { clock, logger: createRecordingLogger(), signal: new AbortController().signal }
}

test('repeats until the dependency is there', async () => {
  const context = waiting()
  let tries = 0
  const result = untilAvailable('the database', context, async () => {
    tries += 1
    if (tries < 4) throw new Error('connection refused')
    return tries
  })
  await context.clock.advance(15_000)
  assert.equal(await result, 4)
})

test('what waiting cannot mend is thrown at once, also by its code alone', async () => {
  const foreign = Object.assign(new Error('another master key'), { code: 'STARTUP_REFUSED' })
  for (const refusal of [new StartupError('the schema is too new', 'use a newer release'), foreign])
    await assert.rejects(
      untilAvailable('the database', waiting(), () => Promise.reject(refusal)),
      (error) => error === refusal,
    )
})

test('a process that ends stops waiting', async () => {
  const ending = new AbortController()
  const context = { ...waiting(), signal: ending.signal }
  const result = untilAvailable('the database', context, () => Promise.reject(new Error('away')))
  const rejected = assert.rejects(result, { name: 'AbortError' })
  ending.abort()
  await context.clock.advance(10_000)
  await rejected
})
