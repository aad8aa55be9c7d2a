import assert from 'node:assert/strict'
import { test } from 'node:test'
import { renderChart } from '../src/chart.ts'
import { figure, isMet, median, percentile, ratioFigure, spread } from '../src/figure.ts'
import { readScavengesMs } from '../src/lab/gc-trace.ts'
import { eventMark, fixedAnswer, requestBody, sseEvent, streamRequestBody } from '../src/load/payloads.ts'
import { readOptions } from '../src/options.ts'
import type { Contender, Gateway } from '../src/contenders/gateway.ts'
import { measureInRounds } from '../src/scenarios/rounds.ts'

const { options } = readOptions(['--quick', '--rounds', '3'])

test('a ratio is taken round by round, before the median', () => {
  const { values } = ratioFigure('a / b', [20, 60, 30], [10, 20, 30])
  assert.deepEqual(values, [2, 3, 1])
  assert.equal(median(values), 2)
})

test('a percentile is a value that was measured (nearest rank)', () => {
  const values = Array.from({ length: 200 }, (_, index) => index + 1)
  assert.equal(percentile(values, 50), 100)
  assert.equal(percentile(values, 99), 198)
  assert.equal(percentile([7], 99), 7)
})

test('the spread is the distance of the outermost rounds as a share of the median', () => {
  assert.equal(spread([90, 100, 115]), 0.25)
})

test('targets hold at their bounds and not past them', () => {
  assert.ok(isMet({ atMost: 2.2 }, 2.2) && !isMet({ atMost: 2.2 }, 2.21))
  assert.ok(isMet({ atLeast: 1.2 }, 1.2) && !isMet({ atLeast: 1.2 }, 1.19))
  assert.ok(isMet({ between: [0.85, 1.15] }, 0.85) && !isMet({ between: [0.85, 1.15] }, 1.16))
})

test('payloads have the sizes that the targets are about, and one mark per event', () => {
  assert.equal(requestBody.length, 300)
  assert.equal(streamRequestBody.length, 300)
  assert.equal(fixedAnswer.length, 500)
  for (const bytes of [150, 16_384]) {
    const event = sseEvent(bytes)
    assert.equal(event.length, bytes)
    assert.equal(event.split(String.fromCharCode(eventMark)).length, 2)
  }
})

test('scavenges are read from the trace, mark-compacts are not', () => {
  const trace = `[1:0x7f] 9906 ms: Scavenge 62.2 (89.8) -> 36.1 (90.0) MB, pooled: 0.0 MB, 1.63 / 0.00 ms (average mu = 0.995)
[1:0x7f] 9907 ms: Incremental Mark-Compact 16.6 (19.4) -> 13.3 (20.2) MB, pooled: 0.0 MB, 4.55 / 0.00 ms
[1:0x7f] 9999 ms: Scavenge 62.2 (89.8) -> 36.1 (90.0) MB, pooled: 0.0 MB, 0.92 / 0.00 ms (average mu = 0.995)`
  assert.deepEqual(readScavengesMs(trace), [1.63, 0.92])
})

test('contenders take turns, warmed up at their start and again when all of them are settled', async () => {
  const turns: string[] = []
  const contender = (name: string): Contender => ({ name, start: async () => fakeGateway(name) })
  const { values } = await measureInRounds([contender('a'), contender('b')], options, {
    warmUp: async ({ name }) => turns.push(`warm ${name}`),
    measure: async ({ name }) => turns.push(name),
  })
  assert.deepEqual(turns, ['warm a', 'warm b', 'warm a', 'warm b', 'a', 'b', 'a', 'b', 'a', 'b'])
  assert.equal(values.get('a')?.length, 3)
})

test('an optional contender that fails is left out with a note, any other one fails the scenario', async () => {
  const failing = (isOptional: boolean): Contender => ({
    name: 'peer',
    isOptional,
    start: async () => fakeGateway('peer'),
  })
  const steps = { warmUp: async () => {}, measure: () => Promise.reject(new Error('it broke\nat a place')) }
  const { values, notes } = await measureInRounds([failing(true)], options, steps)
  assert.deepEqual([...values.keys()], [])
  assert.deepEqual(notes, ['peer was left out: it broke'])
  const coldSteps = { warmUp: steps.measure, measure: steps.warmUp }
  assert.deepEqual([...(await measureInRounds([failing(true)], options, coldSteps)).values.keys()], [])
  await assert.rejects(measureInRounds([failing(false)], options, steps), /peer: it broke/)
})

test('a chart has one bar per figure that it names, and no markup of a name', () => {
  const figures = [figure('a <b>', 'µs', [1, 2, 3]), figure('c', 'µs', [4]), figure('left out', 'µs', [9])]
  const svg = renderChart({ title: 'CPU & time', figures: ['a <b>', 'c'] }, figures)
  assert.equal(svg.match(/<rect x=/g)?.length, 2)
  assert.ok(svg.includes('a &lt;b&gt;') && svg.includes('CPU &amp; time') && !svg.includes('left out'))
})

test('counts on the command line are whole numbers within bounds', () => {
  assert.equal(readOptions(['requests', '--rounds', '7']).options.rounds, 7)
  for (const text of ['0', '-1', '1.5', 'x', '101']) assert.throws(() => readOptions([`--rounds=${text}`]), /--rounds/)
})

function fakeGateway(name: string): Gateway {
  return {
    name,
    pid: null,
    endpoint: () => ({ host: '127.0.0.1', port: 9, path: '/', headers: [] }),
    [Symbol.asyncDispose]: async () => {},
  }
}
