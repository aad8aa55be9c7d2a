import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMetrics } from '../src/metrics.ts'

test('renders what was declared with its labels', async () => {
  const metrics = createMetrics({ hasProcessMetrics: false })
  const requests = metrics.counter({ name: 'gptload_requests_total', help: 'Requests', labels: ['group', 'status'] })
  requests.add(1, { group: 'a', status: '200' })
  requests.add(2, { group: 'a', status: '200' })
  metrics.gauge({ name: 'gptload_open_streams', help: 'Streams' }).set(4)
  metrics.observedGauge({ name: 'gptload_ring_bytes', help: 'Ring' }, () => 7)
  let dropped = 5
  metrics.observedCounter({ name: 'gptload_dropped_total', help: 'Dropped' }, () => dropped)
  metrics.histogram({ name: 'gptload_wait_seconds', help: 'Wait', buckets: [0.1, 1] }).observe(0.5)
  await metrics.render()
  dropped = 6
  const { body, contentType } = await metrics.render()
  assert.match(contentType, /^text\/plain/)
  for (const line of [
    'gptload_requests_total{group="a",status="200"} 3',
    'gptload_open_streams 4',
    'gptload_ring_bytes 7',
    'gptload_dropped_total 6',
    'gptload_wait_seconds_bucket{le="1"} 1',
  ]) {
    assert.ok(body.includes(`${line}\n`), `${line} is not in\n${body}`)
  }
})

test('two registries in one process do not know each other', async () => {
  const [first, second] = [createMetrics(), createMetrics()]
  for (const metrics of [first, second]) metrics.counter({ name: 'gptload_x_total', help: 'x' }).add(1)
  const { body } = await second.render()
  assert.match(body, /gptload_x_total 1/)
  assert.match(body, /nodejs_eventloop_lag_p99_seconds/)
  assert.match(body, /process_resident_memory_bytes/)
})

test('label combinations past the bound count as "other", so that no input fills the memory', async () => {
  const metrics = createMetrics({ hasProcessMetrics: false })
  const counter = metrics.counter({ name: 'gptload_y_total', help: 'y', labels: ['model'], maxSeries: 2 })
  for (let model = 0; model < 1_000; model += 1) counter.add(1, { model: `m${model}` })
  counter.add(1, { model: 'm0' })
  const { body } = await metrics.render()
  assert.deepEqual(body.match(/^gptload_y_total\{.*$/gm), [
    'gptload_y_total{model="m0"} 2',
    'gptload_y_total{model="m1"} 1',
    'gptload_y_total{model="other"} 998',
  ])
})

test('a name outside our prefix is refused', () => {
  assert.throws(() => createMetrics({ hasProcessMetrics: false }).counter({ name: 'requests', help: 'x' }), /gptload_/)
})
