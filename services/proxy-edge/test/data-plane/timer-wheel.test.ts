import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { TimerWheel, WheelTimer } from '../../src/data-plane/timer-wheel.ts'

const tickMs = 10

/** A wheel that is advanced by hand: its own interval never comes in a synchronous test. */
function open(count: number) {
  const fired: number[] = []
  const wheel = new TimerWheel(tickMs)
  const timers = Array.from({ length: count }, (_, index) => new WheelTimer({ onTimer: () => void fired.push(index) }))
  return { wheel, timers, fired }
}

suite('timer wheel', () => {
  test('fires each timer once, never early, at most two ticks late', () => {
    const delays = fc.array(fc.nat({ max: 25_000 }), { minLength: 1, maxLength: 40 })
    fc.assert(
      fc.property(delays, fc.array(fc.nat({ max: 3_000 }), { maxLength: 30 }), (armed, steps) => {
        const { wheel, timers, fired } = open(armed.length)
        const start = performance.now()
        for (const [index, delay] of armed.entries()) wheel.arm(timers[index]!, delay)
        const deadlines = timers.map(({ deadlineMs }) => deadlineMs)
        let now = start
        for (const step of [...steps, 30_000]) {
          now += step
          const before = fired.length
          wheel.advance(now)
          for (const index of fired.slice(before)) assert.ok(deadlines[index]! <= now, 'never early')
          for (const [index, deadline] of deadlines.entries())
            if (deadline + 2 * tickMs <= now) assert.ok(fired.includes(index), 'not late')
        }
        assert.equal(new Set(fired).size, armed.length)
        assert.equal(fired.length, armed.length)
        assert.equal(wheel.armedCount, 0)
      }),
    )
  })

  test('any order of arming, disarming and advancing fires what its last arming says', () => {
    const command = fc.record({
      index: fc.nat({ max: 5 }),
      action: fc.constantFrom('arm', 'arm', 'disarm', 'advance'),
      ms: fc.nat({ max: 15_000 }),
    })
    fc.assert(
      fc.property(fc.array(command, { maxLength: 60 }), (commands) => {
        const { wheel, timers, fired } = open(6)
        const expected = new Map<number, number>()
        let ahead = 0
        for (const { index, action, ms } of commands) {
          // Arming goes by the real clock, which stands nearly still here: so it means "from the start".
          if (action === 'arm') {
            wheel.arm(timers[index]!, ahead + ms)
            expected.set(index, timers[index]!.deadlineMs)
          } else if (action === 'disarm') {
            wheel.disarm(timers[index]!)
            expected.delete(index)
          } else {
            ahead += ms
            const now = performance.now() + ahead
            fired.length = 0
            wheel.advance(now)
            for (const fire of fired) {
              assert.ok(expected.get(fire)! <= now, 'fires what is armed and due')
              expected.delete(fire)
            }
            for (const deadline of expected.values()) assert.ok(deadline + 2 * tickMs > now, 'nothing due is left')
          }
          assert.equal(wheel.armedCount, expected.size)
        }
        wheel.close()
      }),
    )
  })

  test('a timer may arm itself, and disarm its neighbour, while it fires', () => {
    const wheel = new TimerWheel(tickMs)
    const fired: string[] = []
    const late: WheelTimer = new WheelTimer({ onTimer: () => void fired.push('late') })
    const early: WheelTimer = new WheelTimer({
      onTimer: () => {
        fired.push('early')
        wheel.disarm(late)
        if (fired.length < 3) wheel.arm(early, 100)
      },
    })
    wheel.arm(early, 50)
    wheel.arm(late, 51)
    const start = performance.now()
    for (let round = 1; round <= 6; round += 1) wheel.advance(start + round * 200)
    assert.deepEqual(fired, ['early', 'early', 'early'])
    assert.equal(wheel.armedCount, 0)
  })

  test('runs by itself, and holds no timer of its own when nothing is armed', async () => {
    const wheel = new TimerWheel(1)
    const keepsAlive = setInterval(() => undefined, 1_000)
    await new Promise<void>((resolve) => wheel.arm(new WheelTimer({ onTimer: () => resolve() }), 3))
    clearInterval(keepsAlive)
    assert.equal(wheel.armedCount, 0)
  })
})
