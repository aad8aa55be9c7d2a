import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempDisposableSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { startRawUpstream } from '@gpt-load/testkit/upstreams/raw-upstream'
import { until } from '@gpt-load/testkit/until'
import { createUpstream, wireNames } from '../../../src/data-plane/wire/create-wires.ts'
import { reusedBodyBytes } from '../../../src/data-plane/wire/upstream-exchange.ts'
import { bareRequest, originOf, RecordingUpstreamReceiver } from '../../support/recording-receivers.ts'

const mebibyte = 1_048_576

for (const wireName of wireNames)
  suite(`flow and abort over ${wireName}`, () => {
    test('a paused answer holds less than 4 MiB, and resumes to its last byte', async () => {
      await using upstream = await startRawUpstream()
      const wire = await createUpstream(wireName, { extraCaPem: '' })
      const receiver = new RecordingUpstreamReceiver()
      const exchange = wire.open({ ...bareRequest, origin: originOf(upstream.port) }, receiver)
      const { connection } = await upstream.expectRequest()
      receiver.onChunk = () => exchange.pause()
      const { socket } = connection
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${64 * mebibyte}\r\n\r\n`)
      const piece = Buffer.alloc(mebibyte, 'x')
      for (let index = 0; index < 64; index += 1) socket.write(piece)
      await receiver.headed()
      // The kernel's buffers fill up, then nothing moves any more.
      await until(
        createSettling(() => socket.writableLength),
        { what: 'the upload to stall' },
      )
      assert.ok(socket.writableLength > 40 * mebibyte, `only ${socket.writableLength} bytes wait at the upstream`)
      assert.ok(receiver.bytes < 4 * mebibyte, `${receiver.bytes} bytes were delivered while paused`)
      receiver.onChunk = () => undefined
      exchange.resume()
      await receiver.over()
      assert.equal(receiver.bytes, 64 * mebibyte)
      await wire.close()
    })

    test('a stalled upload is announced by write, and its end by onDrain', async () => {
      await using upstream = await startRawUpstream((socket) => void socket.pause())
      const wire = await createUpstream(wireName, { extraCaPem: '' })
      const receiver = new RecordingUpstreamReceiver()
      const exchange = wire.open(
        { ...bareRequest, method: 'POST', contentLength: -1, origin: originOf(upstream.port) },
        receiver,
      )
      await until(() => receiver.connects.length, { what: 'the connection' })
      const piece = Buffer.alloc(65_536, 'x')
      let writes = 0
      const fill = () => {
        while (exchange.write(piece)) if ((writes += 1) > 1_000) return
      }
      fill()
      let drains = -1
      await until(
        () => {
          if (drains === receiver.drains) return true
          drains = receiver.drains
          fill()
          return false
        },
        { what: 'the upload to stall', intervalMs: 30 },
      )
      assert.ok(writes * piece.length < 16 * mebibyte, `${writes} writes were taken`)
      const before = receiver.drains
      upstream.connections[0]!.socket.resume()
      await until(() => receiver.drains > before, { what: 'the drain' })
      exchange.abort()
      await wire.close()
    })

    for (const framing of ['length', 'chunked'] as const)
      test(`a body at hand (${framing}) arrives as it was, when its memory is used again as soon as an answer begins`, async () => {
        using folder = mkdtempDisposableSync(join(tmpdir(), 'gpt-load-test-'))
        const socketPath = join(folder.path, 'upstream.sock')
        const accepted = Promise.withResolvers<Socket>()
        // A Unix socket: the system takes no more of a write than it has room for.
        const server = createServer((socket) => accepted.resolve(socket.pause())).listen(socketPath)
        const wire = await createUpstream(wireName, { extraCaPem: '' })
        const receiver = new RecordingUpstreamReceiver()
        const body = Buffer.alloc(reusedBodyBytes, 'x')
        const contentLength = framing === 'length' ? body.length : -1
        const origin = originOf(0, { socketPath })
        const exchange = wire.open({ ...bareRequest, method: 'POST', body, contentLength, origin }, receiver)
        const socket = await accepted.promise
        socket.write('HTTP/1.1 413 Too Large\r\nContent-Length: 1000\r\n\r\n')
        await receiver.headed()
        body.fill('!')
        let arrived = 0
        let changed = 0
        socket.resume().on('data', (bytes) => {
          for (const byte of bytes) if (byte === 'x'.charCodeAt(0)) arrived += 1
          if (bytes.includes('!')) changed += 1
        })
        await until(() => arrived === body.length || changed > 0, { what: 'the body' })
        exchange.abort()
        await wire.close()
        socket.destroy()
        server.close()
        assert.equal(changed, 0)
      })

    for (const stage of ['before the head', 'in the body', 'in the upload'] as const)
      test(`abort ${stage} closes the upstream connection, and nothing is heard of it`, async () => {
        await using upstream = await startRawUpstream(() => undefined)
        const wire = await createUpstream(wireName, { extraCaPem: '' })
        const receiver = new RecordingUpstreamReceiver()
        const contentLength = stage === 'in the upload' ? 1_000 : 0
        const exchange = wire.open(
          { ...bareRequest, method: 'POST', contentLength, origin: originOf(upstream.port) },
          receiver,
        )
        if (contentLength > 0) exchange.write(Buffer.from('part'))
        const connection = await upstream.expectConnection()
        await connection.readUntil('\r\n\r\n')
        if (stage === 'in the body') {
          await connection.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc')
          await until(() => receiver.bytes === 3, { what: 'the first bytes' })
        }
        const { length } = receiver.calls
        exchange.abort()
        connection.end()
        await connection.closed
        assert.equal(receiver.calls.length, length)
        assert.equal(receiver.error, null)
        await wire.close()
      })

    test('abort while connecting sends nothing', async () => {
      await using upstream = await startRawUpstream(() => undefined)
      const wire = await createUpstream(wireName, { extraCaPem: '' })
      const receiver = new RecordingUpstreamReceiver()
      wire.open({ ...bareRequest, origin: originOf(upstream.port) }, receiver).abort()
      const second = new RecordingUpstreamReceiver()
      wire.open({ ...bareRequest, origin: originOf(upstream.port) }, second)
      await until(() => upstream.connections.some(({ receivedBytes }) => receivedBytes > 0), {
        what: 'the second request',
      })
      for (const connection of upstream.connections) {
        if (connection.receivedBytes > 0) continue
        connection.end()
        await connection.closed
      }
      assert.equal(upstream.connections.filter(({ receivedBytes }) => receivedBytes > 0).length, 1)
      assert.deepEqual(second.connects, [false])
      assert.deepEqual(receiver.calls, [])
      await wire.close()
    })

    test('abort from inside onData silences the exchange at once', async () => {
      await using upstream = await startRawUpstream()
      const wire = await createUpstream(wireName, { extraCaPem: '' })
      const receiver = new RecordingUpstreamReceiver()
      const exchange = wire.open({ ...bareRequest, origin: originOf(upstream.port) }, receiver)
      let deliveries = 0
      receiver.onChunk = () => {
        deliveries += 1
        exchange.abort()
      }
      const { connection } = await upstream.expectRequest()
      const closed = once(connection.socket, 'close')
      await connection.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n')
      connection.end()
      await closed
      // Our own codec hands on chunks that came together as one piece.
      assert.equal(receiver.body, wireName === 'http1' ? 'ab' : 'a')
      assert.deepEqual([receiver.calls, deliveries], [['connect', 'head', 'data'], 1])
      await wire.close()
    })
  })

/** True when the number has not changed for 20 looks. */
function createSettling(read: () => number): () => boolean {
  let last = -1
  let rounds = 0
  return () => {
    const now = read()
    rounds = now === last ? rounds + 1 : 0
    last = now
    return rounds > 20
  }
}
