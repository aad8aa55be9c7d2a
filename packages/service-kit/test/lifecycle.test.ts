import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLifecycle } from '../src/lifecycle.ts'
import { createManualClock } from '../src/manual-clock.ts'
import { createRecordingLogger } from './fixtures/recording-logger.ts'

function setUp() {
  const clock = createManualClock()
  const logger = createRecordingLogger()
  return { clock, logger, lifecycle: createLifecycle({ clock, logger }), order: [] as string[] }
}

test('closes in the reverse order of opening, one after the other', async () => {
  const { lifecycle, order } = setUp()
  for (const name of ['database', 'server', 'job']) {
    lifecycle.onClose(name, async () => {
      order.push(`${name} begins`)
      await Promise.resolve()
      order.push(`${name} ends`)
    })
  }
  assert.equal(lifecycle.signal.aborted, false)
  assert.deepEqual(await lifecycle.close(), { failed: [] })
  assert.deepEqual(order, [
    'job begins',
    'job ends',
    'server begins',
    'server ends',
    'database begins',
    'database ends',
  ])
  assert.equal(lifecycle.signal.aborted, true)
})

test('a close that throws, rejects or hangs past its time is logged and named, the rest still closes', async () => {
  const { lifecycle, order, clock, logger } = setUp()
  lifecycle.onClose('last', () => order.push('last'))
  lifecycle.onClose('hangs', () => new Promise(() => undefined), { timeoutMs: 500 })
  lifecycle.onClose('rejects', () => Promise.reject(new Error('no')))
  lifecycle.onClose('throws', () => {
    throw new Error('no')
  })
  const closing = lifecycle.close()
  await clock.advance(499)
  assert.deepEqual(order, [])
  await clock.advance(1)
  assert.deepEqual(await closing, { failed: ['throws', 'rejects', 'hangs'] })
  assert.deepEqual(order, ['last'])
  assert.equal(logger.lines.filter(({ level }) => level === 'error').length, 3)
  assert.equal(clock.pendingTimers, 0)
})

test('closing twice closes once', async () => {
  const { lifecycle, order } = setUp()
  lifecycle.onClose('one', () => order.push('one'))
  assert.equal(lifecycle.close(), lifecycle.close())
  await lifecycle.close()
  assert.deepEqual(order, ['one'])
})

test('what is opened while closing, or after it, is closed at once and waited for', async () => {
  const { lifecycle, order } = setUp()
  lifecycle.onClose('opener', () => void lifecycle.onClose('late', () => order.push('late')))
  await lifecycle.close()
  await lifecycle.close()
  assert.deepEqual(order, ['late'])
  lifecycle.onClose('later', () => order.push('later'))
  await lifecycle.close()
  assert.deepEqual(order, ['late', 'later'])
})
