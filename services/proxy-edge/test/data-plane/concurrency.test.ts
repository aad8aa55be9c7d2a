import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { until } from '@gpt-load/testkit/until'
import { connectRawClient } from '@gpt-load/testkit/upstreams/raw-client'
import { startRawUpstream } from '@gpt-load/testkit/upstreams/raw-upstream'
import { LoadShedder } from '../../src/data-plane/load-shedder.ts'
import { openRequestsBytes, releaseDead, RequestGate, type Waiter } from '../../src/data-plane/request-gate.ts'
import type { GroupPlan } from '../../src/data-plane/plan/group-plan.ts'
import { chat } from '../support/chat-request.ts'
import { requestBytes, send } from '../support/http-message.ts'
import { openDataPlane } from '../support/open-data-plane.ts'

const keys = ['sk-first-key-000000001']
const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
const settings = { max_concurrent_requests: 1, max_waiting_requests: 1, max_wait_ms: 5_000 }

suite('requests of a group at once', () => {
  test('one more waits and is served when there is room; the next is refused in the dialect with Retry-After', async () => {
    await using upstream = await startRawUpstream()
    await using plane = await openDataPlane({ groups: [{ name: 'g', upstreams: [upstream.url], keys, settings }] })
    const first = send(plane.port, chat('g'))
    const held = await upstream.expectRequest()
    const second = send(plane.port, chat('g'))
    await until(() => plane.services.counters.get('in_flight') === 2, { what: 'the second request' })
    const third = await send(plane.port, chat('g'))
    assert.deepEqual([third.status, third.header('retry-after')], [429, '1'])
    assert.equal((JSON.parse(third.body.toString()) as { code: string }).code, 'RATE_LIMITED')
    await held.answer(ok)
    assert.equal((await first).status, 200)
    await (await upstream.expectRequest()).answer(ok)
    assert.equal((await second).status, 200)
  })

  test('who has waited for max_wait_ms is refused, and no key or upstream has heard of it', async () => {
    await using upstream = await startRawUpstream()
    const group = { name: 'g', upstreams: [upstream.url], keys, settings: { ...settings, max_wait_ms: 30 } }
    await using plane = await openDataPlane({ groups: [group] })
    const first = send(plane.port, chat('g'))
    const held = await upstream.expectRequest()
    assert.equal((await send(plane.port, chat('g'))).status, 429)
    await held.answer(ok)
    await first
    assert.deepEqual(
      plane.events.map(({ status, attempts }) => [status, attempts.length]),
      [
        [429, 0],
        [200, 1],
      ],
    )
  })

  test('a client that leaves the line makes room in it', async () => {
    await using upstream = await startRawUpstream()
    await using plane = await openDataPlane({ groups: [{ name: 'g', upstreams: [upstream.url], keys, settings }] })
    const first = send(plane.port, chat('g'))
    const held = await upstream.expectRequest()
    const leaving = await connectRawClient({ port: plane.port })
    await leaving.write(requestBytes(chat('g')))
    await until(() => plane.services.counters.get('in_flight') === 2, { what: 'the leaving client' })
    leaving.reset()
    assert.equal((await plane.nextEvent()).endReason, 'client_abort')
    const third = send(plane.port, chat('g'))
    await until(() => plane.services.counters.get('in_flight') === 2, { what: 'the third request' })
    await held.answer(ok)
    await (await upstream.expectRequest()).answer(ok)
    assert.deepEqual([(await first).status, (await third).status], [200, 200])
  })

  test('a full group does not hold up another one in the line', async () => {
    await using upstream = await startRawUpstream()
    const groups = ['a', 'b'].map((name) => ({
      name,
      upstreams: [upstream.url],
      keys: [`sk-${name}-00000000000001`],
      settings,
    }))
    await using plane = await openDataPlane({ groups })
    const firsts = [send(plane.port, chat('a')), send(plane.port, chat('b'))]
    const held = [await upstream.expectRequest(), await upstream.expectRequest()]
    const bearer = (request: Buffer) => /sk-(.)-/.exec(request.toString())![1]!
    const ofB = held.find(({ bytes }) => bearer(bytes) === 'b')!
    const waiting = [send(plane.port, chat('a')), send(plane.port, chat('b'))]
    await until(() => plane.services.counters.get('in_flight') === 4, { what: 'both in the line' })
    await ofB.answer(ok)
    const next = await upstream.expectRequest()
    assert.equal(bearer(next.bytes), 'b')
    await next.answer(ok)
    await held.find((one) => one !== ofB)!.answer(ok)
    await (await upstream.expectRequest()).answer(ok)
    for (const answer of await Promise.all([...firsts, ...waiting])) assert.equal(answer.status, 200)
  })
})

suite('the gate', () => {
  const planOf = (number: number, max: number) =>
    ({ number, settings: { ...settings, max_concurrent_requests: max } }) as unknown as GroupPlan

  function open(maxRequests: number) {
    const openRequests = new SharedArrayBuffer(openRequestsBytes)
    const ownRequests = [0, 1].map(() => new SharedArrayBuffer(openRequestsBytes))
    const gates = ownRequests.map((own) => new RequestGate({ openRequests, ownRequests: own, maxRequests }))
    return { openRequests, ownRequests, gates: gates as [RequestGate, RequestGate] }
  }

  test('bounds hold over all workers, of the process and of a group', () => {
    const { gates } = open(3)
    const [one, two] = gates
    assert.deepEqual([one.enter(planOf(1, 1)), two.enter(planOf(1, 1))], [true, false])
    assert.deepEqual([two.enter(planOf(2, 0)), one.enter(planOf(2, 0)), one.enter(planOf(2, 0))], [true, true, false])
    one.leave(planOf(1, 1))
    assert.equal(two.enter(planOf(1, 1)), true)
  })

  test('what a dead worker had open is taken back, and nothing else', () => {
    const { openRequests, ownRequests, gates } = open(2)
    gates[0].enter(planOf(1, 0))
    gates[1].enter(planOf(1, 0))
    releaseDead(openRequests, ownRequests[0]!)
    assert.deepEqual([gates[1].enter(planOf(1, 0)), gates[1].enter(planOf(1, 0))], [true, false])
  })

  test('room that another worker made is noticed', async () => {
    const { gates } = open(1)
    gates[0].enter(planOf(1, 0))
    const served = Promise.withResolvers<void>()
    const waiter: Waiter = { outer: planOf(1, 0), nextWaiter: null, previousWaiter: null, onRoom: served.resolve }
    assert.equal(gates[1].wait(waiter), true)
    gates[0].leave(planOf(1, 0))
    await served.promise
    assert.equal(gates[0].enter(planOf(1, 0)), false, 'the waiter has it')
  })
})

suite('overload', () => {
  test('a loop that is late for a whole window sheds, and serves again as soon as it keeps up', () => {
    using shedder = Object.assign(new LoadShedder(100), { [Symbol.dispose]: () => shedder.close() })
    let now = performance.now()
    const sample = (lagMs: number) => shedder.sample((now += 20 + lagMs))
    for (let n = 0; n < 4; n += 1) sample(500)
    assert.equal(shedder.isShedding, false, 'one pause is no overload')
    sample(500)
    assert.equal(shedder.isShedding, true)
    sample(5)
    assert.equal(shedder.isShedding, false)
  })

  test('a worker that sheds refuses new requests at once and records them; health still answers', async () => {
    await using upstream = await startRawUpstream()
    await using plane = await openDataPlane({ groups: [{ name: 'g', upstreams: [upstream.url], keys }] })
    plane.services.shedder.isShedding = true
    const refused = await send(plane.port, chat('g'))
    assert.deepEqual([refused.status, refused.header('retry-after')], [503, '1'])
    assert.equal((JSON.parse(refused.body.toString()) as { code: string }).code, 'OVERLOADED')
    assert.equal((await plane.nextEvent()).errorCode, 'OVERLOADED')
  })
})
