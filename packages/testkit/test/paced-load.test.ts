import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { startPacedLoad } from '../src/load/paced-load.ts'
import { startCountingUpstream } from '../src/upstreams/counting-upstream.ts'

const body = Buffer.from('{}')

describe('a paced load', () => {
  test('sends at its rate, and every request is counted at both ends', async () => {
    await using upstream = await startCountingUpstream()
    const load = startPacedLoad({ url: upstream.url, token: 't', perSecond: 500, connections: 4, maxRequests: 10_000 })
    await pause(400)
    const ledger = await load.stop()
    assert.ok(ledger.sent > 50)
    assert.ok(Math.abs(ledger.perSecond - 500) < 25, `${ledger.perSecond} a second`)
    assert.deepEqual([ledger.ok, ledger.failed], [ledger.sent, 0])
    const { answered, promptTokens, completionTokens } = await upstream.total()
    assert.equal(answered, ledger.sent)
    assert.ok(promptTokens >= 10 * answered && completionTokens >= answered)
  })

  test('a request that waits for a connection counts its wait', async () => {
    await using provider = await serve((answer) => setTimeout(answer, 20))
    const load = startPacedLoad({ url: provider.url, token: 't', perSecond: 500, connections: 1, maxRequests: 10_000 })
    await pause(300)
    const ledger = await load.stop()
    // A connection does 50 a second: the last one waited for all that came before it.
    assert.ok((ledger.times().at(-1) ?? 0) > 1_000)
    assert.equal(ledger.ok, ledger.sent)
  })

  test('ids, failures and the bound of its memory', async () => {
    let count = 0
    await using provider = await serve((answer) => ((count += 1), answer(count === 3 ? 503 : 200, `id-${count}`)))
    const load = startPacedLoad({ url: provider.url, token: 't', perSecond: 1_000, connections: 1, maxRequests: 5 })
    await pause(200)
    const beforeMs = Date.now() + 1
    const ledger = await load.stop()
    assert.deepEqual([ledger.sent, ledger.ok, ledger.failed], [5, 4, 1])
    assert.deepEqual(ledger.requestIds({ toMs: beforeMs }), ['id-1', 'id-2', 'id-4', 'id-5'])
    assert.deepEqual(ledger.requestIds({ fromMs: beforeMs }), [])
    assert.deepEqual(
      ledger.failures.map(({ status, detail }) => [status, detail]),
      [[503, '{}']],
    )
  })

  test('a peer that is gone fails requests, and one that closes each connection does not', async () => {
    const gone = await serve((answer) => answer(200))
    await gone[Symbol.asyncDispose]()
    await using closing = await serve((answer) => answer(200, '', 'close'))
    const options = { token: 't', perSecond: 200, connections: 2, maxRequests: 1_000 }
    const [toGone, toClosing] = [gone, closing].map(({ url }) => startPacedLoad({ url, ...options }))
    await pause(200)
    const [failed, closed] = [await toGone?.stop(), await toClosing?.stop()]
    assert.deepEqual([failed?.ok, failed?.failed], [0, failed?.sent])
    assert.match(failed?.failures[0]?.detail ?? '', /ECONNREFUSED/)
    assert.deepEqual([closed?.ok, closed?.failed], [closed?.sent, 0])
  })
})

type Answer = (status?: number, id?: string, connection?: 'close') => void

async function serve(handle: (answer: Answer) => void) {
  const server = createServer((request, response) => {
    request.resume()
    request.once('end', () =>
      handle((status = 200, id = '', connection) => {
        const close = connection === undefined ? {} : { connection }
        response.writeHead(status, { 'content-length': body.length, 'x-gptload-request-id': id, ...close }).end(body)
      }),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
