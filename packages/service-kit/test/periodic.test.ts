import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createManualClock } from '../src/manual-clock.ts'
import { startPeriodic, type PeriodicOptions } from '../src/periodic.ts'
import { createRecordingLogger } from './fixtures/recording-logger.ts'

function start(options: Partial<PeriodicOptions> & Pick<PeriodicOptions, 'run'>) {
  const clock = createManualClock()
  const logger = createRecordingLogger()
  return {
    clock,
    logger,
    periodic: startPeriodic({ name: 'sweep', intervalMs: 1_000, jitter: 0, clock, logger, ...options }),
  }
}

test('runs after each interval, at once when told', async () => {
  const { clock, periodic } = start({ run: () => undefined })
  await clock.advance(999)
  assert.equal(periodic.runs, 0)
  await clock.advance(2_001)
  assert.equal(periodic.runs, 3)
  await periodic.stop()
  const immediate = start({ run: () => undefined, isImmediate: true })
  assert.equal(immediate.periodic.runs, 1)
  await immediate.periodic.stop()
})

test('a run longer than the interval delays the next one, they never overlap', async () => {
  let gate = Promise.withResolvers<void>()
  const { clock, periodic } = start({ run: () => gate.promise })
  await clock.advance(10_000)
  assert.equal(periodic.runs, 1)
  gate.resolve()
  gate = Promise.withResolvers()
  await clock.advance(1_000)
  assert.equal(periodic.runs, 2)
  gate.resolve()
  await periodic.stop()
})

test('a failure is logged and counted, and the next run comes', async () => {
  const { clock, periodic, logger } = start({
    run: () => {
      throw new Error('no database')
    },
  })
  await clock.advance(2_000)
  assert.deepEqual([periodic.runs, periodic.failures], [2, 2])
  assert.deepEqual(
    logger.lines.map(({ fields }) => fields['job']),
    ['sweep', 'sweep'],
  )
  await periodic.stop()
})

test('stop aborts the signal of the run under way, waits for it and lets no other follow', async () => {
  const events: string[] = []
  const { clock, periodic, logger } = start({
    isImmediate: true,
    run: async (signal) => {
      await clockSleep(signal)
      events.push('run ended')
      signal.throwIfAborted()
    },
  })
  await periodic.stop()
  events.push('stopped')
  await clock.advance(10_000)
  assert.deepEqual(events, ['run ended', 'stopped'])
  assert.deepEqual([periodic.runs, logger.lines.length, clock.pendingTimers], [1, 0, 0])
})

function clockSleep(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}

test('a signal stops it, also one that was aborted before', async () => {
  const controller = new AbortController()
  const { clock, periodic } = start({ run: () => undefined, signal: controller.signal })
  controller.abort()
  await clock.advance(5_000)
  assert.equal(periodic.runs, 0)
  const late = start({ run: () => undefined, isImmediate: true, signal: controller.signal })
  await late.clock.advance(5_000)
  assert.equal(late.periodic.runs, 0)
})

test('a trigger runs now; many triggers during one run make one more', async () => {
  let gate = Promise.withResolvers<void>()
  const { clock, periodic } = start({ run: () => gate.promise })
  periodic.trigger()
  await clock.advance(0)
  assert.equal(periodic.runs, 1)
  for (let count = 0; count < 5; count += 1) periodic.trigger()
  gate.resolve()
  gate = Promise.withResolvers()
  await clock.advance(0)
  assert.equal(periodic.runs, 2)
  gate.resolve()
  await clock.advance(0)
  assert.equal(periodic.runs, 2)
  await periodic.stop()
})

test('jitter spreads the waits around the interval', async () => {
  for (const [random, expectedMs] of [
    [0, 800],
    [1, 1_200],
  ] as const) {
    const { clock, periodic } = start({ run: () => undefined, jitter: 0.2, random: () => random })
    await clock.advance(expectedMs - 1)
    assert.equal(periodic.runs, 0)
    await clock.advance(1)
    assert.equal(periodic.runs, 1)
    await periodic.stop()
  }
})
