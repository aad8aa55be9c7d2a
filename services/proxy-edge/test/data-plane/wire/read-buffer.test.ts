import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { suite, test } from 'node:test'
import { connectRawClient } from '@gpt-load/testkit/upstreams/raw-client'
import { until } from '@gpt-load/testkit/until'
import { SocketReads } from '../../../src/data-plane/wire/connect/read-buffer.ts'
import { openHttp1Downstream } from '../../support/open-downstream.ts'

async function accepted() {
  await using stack = new AsyncDisposableStack()
  const server = createServer()
  stack.defer(() => void server.close())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const connection = once(server, 'connection')
  const client = stack.use(await connectRawClient({ port: (server.address() as AddressInfo).port }))
  const [socket] = (await connection) as [Socket]
  stack.defer(() => void socket.destroy())
  const owned = stack.move()
  return { client, socket, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

suite('the buffer that is read into', () => {
  test('is shared by connections that were accepted, on this Node too', async () => {
    await using pair = await accepted()
    const reads = SocketReads.adopt(pair.socket)
    assert.ok(reads !== null, 'Node has other fields now: each read makes a buffer again')
    const buffers: ArrayBufferLike[] = []
    const texts: string[] = []
    const onBytes = (bytes: Buffer): void => {
      buffers.push(bytes.buffer)
      texts.push(bytes.toString())
    }
    reads.receiver = { onBytes }
    await pair.client.write('one')
    await until(() => texts.join('') === 'one', { what: 'the first bytes' })
    await pair.client.write('two')
    await until(() => texts.join('') === 'onetwo', { what: 'the next bytes' })
    assert.equal(new Set(buffers).size, 1)
  })

  test('is not where a tunnel’s bytes stay, and a tunnel that is paused is not read', async () => {
    await using pair = await accepted()
    const reads = SocketReads.adopt(pair.socket)!
    reads.receiver = { onBytes: () => assert.fail('not before the tunnel') }
    pair.socket.pause()
    reads.becomeStream(pair.socket)
    const chunks: Buffer[] = []
    pair.socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    pair.socket.pause()
    await pair.client.write('first')
    await new Promise(setImmediate)
    assert.deepEqual(chunks, [])
    pair.socket.resume()
    await until(() => chunks.length === 1, { what: 'the first chunk' })
    await pair.client.write('after')
    await until(() => Buffer.concat(chunks).length === 10, { what: 'all of it' })
    assert.equal(Buffer.concat(chunks).toString(), 'firstafter')
  })

  test('is not where a body stays: others are read while it is held', async () => {
    await using down = await openHttp1Downstream()
    using client = await connectRawClient({ port: down.port })
    await client.write('POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nfirst')
    const receiver = await down.nextExchange()
    const held: Uint8Array[] = []
    receiver.onData = (chunk: Uint8Array) => void held.push(chunk)
    receiver.exchange.resume()
    await until(() => held.length === 1, { what: 'the first half' })
    using other = await connectRawClient({ port: down.port })
    await other.write(`GET /${'x'.repeat(500)} HTTP/1.1\r\nHost: h\r\n\r\n`)
    await down.nextExchange()
    await client.write('after')
    await until(() => held.length === 2, { what: 'the second half' })
    await other.write('GET /y')
    assert.equal(Buffer.concat(held).toString(), 'firstafter')
  })
})
