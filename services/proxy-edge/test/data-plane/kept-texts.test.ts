import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { suite, test } from 'node:test'
import { getHeapSnapshot } from 'node:v8'
import { RequestHeadParser } from '@gpt-load/http1/request-head-parser'
import { DataPlane } from '../../src/data-plane/data-plane.ts'
import type { RequestServices } from '../../src/data-plane/request-services.ts'
import type { DownstreamExchange } from '../../src/data-plane/wire/downstream-exchange.ts'

/** Never a string of this test's own: letters as bytes, which a heap snapshot does not show. */
const secretBytes = (): Buffer => Buffer.from(Array.from(randomBytes(24), (byte) => 97 + (byte % 26)))

/** Whether text with these bytes is reachable. */
async function heapHolds(bytes: Buffer): Promise<boolean> {
  let end = Buffer.alloc(0)
  for await (const chunk of getHeapSnapshot()) {
    const text = Buffer.concat([end, chunk as Buffer])
    if (text.includes(bytes)) return true
    end = text.subarray(-bytes.length)
  }
  return false
}

const head = (target: Buffer, value: Buffer): Buffer =>
  Buffer.concat([
    Buffer.from('POST '),
    target,
    Buffer.from(' HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer '),
    value,
    Buffer.from('\r\nContent-Length: 3\r\n\r\n'),
  ])

suite('texts that are kept', () => {
  test('are found in a snapshot of the heap, so that what is not found is not kept', async () => {
    const secret = secretBytes()
    const kept = { text: secret.toString('latin1') }
    assert.ok(await heapHolds(secret))
    assert.equal(kept.text.length, secret.length)
  })

  test('are no queries and no values once a connection is gone, however often they came', async () => {
    const [query, value] = [secretBytes(), secretBytes()]
    const parser = { last: null as RequestHeadParser | null }
    const readTwice = (): void => {
      parser.last = new RequestHeadParser()
      const bytes = head(Buffer.concat([Buffer.from('/v1/models?key='), query]), value)
      for (let turn = 0; turn < 2; turn += 1) assert.equal(parser.last.parse(bytes, 0), bytes.length)
    }
    readTwice()
    assert.ok((await heapHolds(query)) && (await heapHolds(value)), 'an open connection has its last head')
    parser.last = null
    assert.deepEqual([await heapHolds(query), await heapHolds(value)], [false, false])
  })

  test('are not the target of the last request, when that had a query', async () => {
    const secret = secretBytes()
    const plane = new DataPlane({ cors: null } as unknown as RequestServices, '')
    const accept = (target: string): void => void plane.accept(answered(target))
    accept('/livez')
    accept(`/livez?token=${secret.toString('latin1')}`)
    assert.equal(await heapHolds(secret), false)
    assert.equal(plane.controlOriginKey, '')
  })
})

function answered(target: string): DownstreamExchange {
  const ignore = (): boolean => true
  return { method: 'GET', target, rawHeaders: [], writeHead: ignore, write: ignore, end: ignore } as never
}
