import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, test } from 'node:test'
import { startPacedLoad } from '../src/load/paced-load.ts'
import { until } from '../src/until.ts'
import { startCountingUpstream } from '../src/upstreams/counting-upstream.ts'

const body = Buffer.from('{}')

describe('a paced load', () => {
  test('sends at its rate, and every request is counted at both ends', async () => {
    await using upstream = await startCountingUpstream()
    const load = startPacedLoad({ url: upstream.url, token: 't', perSecond: 500, connections: 4, maxRequests: 10_000 })
    await until(async () => (await upstream.total()).answered >= 150, { what: 'a third of a second of requests' })
    const ledger = await load.stop()
    // A core that others hold for a while costs the last requests, never makes more of them.
    assert.ok(ledger.perSecond > 250 && ledger.perSecond <= 501, `${ledger.perSecond} a second`)
    assert.deepEqual([ledger.ok, ledger.failed], [ledger.sent, 0])
    const { answered, promptTokens, completionTokens } = await upstream.total()
    assert.equal(answered, ledger.sent)
    assert.ok(promptTokens >= 10 * answered && completionTokens >= answered)
  })

  test('a request that waits for a connection counts its wait', async () => {
    let count = 0
    await using provider = await serve((answer) => ((count += 1), setTimeout(answer, 20)))
    const load = startPacedLoad({ url: provider.url, token: 't', perSecond: 500, connections: 1, maxRequests: 10_000 })
    await until(() => count >= 10, { what: 'the first requests' })
    const ledger = await load.stop()
    // A connection does 50 a second: the last one waited for the 90 that came before it and were not answered.
    assert.ok((ledger.times().at(-1) ?? 0) > 500)
    assert.equal(ledger.ok, ledger.sent)
  })

  test('ids, failures and the bound of its memory', async () => {
    let count = 0
    await using provider = await serve((answer) => ((count += 1), answer(count === 3 ? 503 : 200, `id-${count}`)))
    const load = startPacedLoad({ url: provider.url, token: 't', perSecond: 1_000, connections: 1, maxRequests: 5 })
    await until(() => count === 5, { what: 'all requests' })
    const ledger = await load.stop()
    const afterMs = Date.now() + 1
    assert.deepEqual([ledger.sent, ledger.ok, ledger.failed], [5, 4, 1])
    assert.deepEqual(ledger.requestIds({ toMs: afterMs }), ['id-1', 'id-2', 'id-4', 'id-5'])
    assert.deepEqual(ledger.requestIds({ fromMs: afterMs }), [])
    assert.deepEqual(
      ledger.failures.map(({ status, detail }) => [status, detail]),
      [[503, '{}']],
    )
  })

  test('a peer that is gone fails requests, and one that closes each connection does not', async () => {
    const gone = await serve((answer) => answer(200))
    await gone[Symbol.asyncDispose]()
    let count = 0
    await using closing = await serve((answer) => ((count += 1), answer(200, '', 'close')))
    const options = { token: 't', perSecond: 200, connections: 2, maxRequests: 1_000 }
    const [toGone, toClosing] = [gone, closing].map(({ url }) => startPacedLoad({ url, ...options }))
    await until(() => count >= 20, { what: 'requests' })
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
