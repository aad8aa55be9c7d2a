import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { suite, test } from 'node:test'
import { until } from '@gpt-load/testkit/until'
import { handleOwnRead, OwnRead } from '../../../src/data-plane/wire/connect/own-read.ts'
import { Http1Connection } from '../../../src/data-plane/wire/http1-connection.ts'
import { Http1Downstream } from '../../../src/data-plane/wire/http1-downstream.ts'
import { WriteStall } from '../../../src/data-plane/wire/write-stall.ts'
import { defaultLimits } from '../../support/open-data-plane.ts'
import { RecordingDownstreamReceiver } from '../../support/recording-receivers.ts'

/** A socket whose system takes one write each time it is told to, or a part of it. */
class StubbornSocket extends Duplex {
  readonly remoteAddress = '127.0.0.1'
  readonly _handle = { bytesWritten: 0, writeQueueSize: 0 }
  #onTaken: (() => void) | null = null

  constructor() {
    super({ highWaterMark: 327_680, autoDestroy: false })
  }

  override _read(): void {}

  override _write(bytes: Buffer, _encoding: string, onTaken: () => void): void {
    this._handle.bytesWritten += bytes.length
    this._handle.writeQueueSize = bytes.length
    this.#onTaken = onTaken
  }

  accept(): void {
    const onTaken = this.#onTaken
    this.#onTaken = null
    this._handle.writeQueueSize = 0
    onTaken?.()
  }

  acceptPart(bytes: number): void {
    this._handle.writeQueueSize -= bytes
  }

  destroySoon(): void {
    this.end(() => this.destroy())
  }

  resetAndDestroy(): void {
    this.destroy()
  }
}

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))

type Exchange = RecordingDownstreamReceiver['exchange']

/** Bytes that are lent, and some behind them. */
function writeLent(exchange: Exchange): void {
  const own = OwnRead.take()!
  handleOwnRead(own, 8_192, { onBytes: (bytes) => assert.equal(exchange.write(bytes), false) })
  own.leave()
  exchange.write(Buffer.from('behind what is lent'))
}

/** An answer that has begun. */
async function answering(use: (exchange: Exchange) => void) {
  const received: RecordingDownstreamReceiver[] = []
  const server = new Http1Downstream(defaultLimits, (exchange) => {
    const receiver = new RecordingDownstreamReceiver(exchange)
    received.push(receiver)
    return receiver
  })
  const socket = new StubbornSocket()
  const connection = new Http1Connection(server, socket as unknown as Socket)
  connection.open(Http1Connection.createRing(server))
  socket.push('GET / HTTP/1.1\r\nHost: h\r\n\r\n')
  await turn()
  const { exchange } = received[0]!
  exchange.writeHead(200, 'OK', [])
  exchange.write(Buffer.from('head and this go out together'))
  await turn()
  socket.accept()
  use(exchange)
  await turn()
  assert.ok(socket.writableLength > 0)
  return { socket, connection, server }
}

/** Three sweeps with twice as long as may be between them. */
function waitTooLong(connection: Http1Connection, beforeSweep?: () => void): void {
  const now = performance.now()
  for (const rounds of [1, 2, 3]) {
    beforeSweep?.()
    connection.checkTimeouts(now + rounds * 2 * defaultLimits.writeStallTimeoutMs)
  }
}

suite('a client that takes nothing', () => {
  test('of bytes that are lent is cut when its time is up', async () => {
    const { socket, connection, server } = await answering(writeLent)
    waitTooLong(connection)
    assert.equal(socket.destroyed, true)
    await server.close()
  })

  test('of what stands behind bytes that were lent is cut too', async () => {
    const { socket, connection, server } = await answering((exchange) => {
      writeLent(exchange)
      exchange.end()
    })
    socket.accept()
    await turn()
    assert.ok(socket.writableLength > 0 && socket.writableLength < 100)
    waitTooLong(connection)
    assert.equal(socket.destroyed, true)
    await server.close()
  })

  test('of an answer that was broken off is cut too', async () => {
    const { socket, connection, server } = await answering((exchange) => {
      exchange.write(Buffer.from('the last that came'))
      exchange.abort()
    })
    assert.equal(socket.destroyed, false)
    waitTooLong(connection)
    assert.equal(socket.destroyed, true)
    await server.close()
  })

  test('is cut though more and more is written to it', async () => {
    const { socket, connection, server } = await answering(writeLent)
    waitTooLong(connection, () => connection.writeNow(Buffer.from(': keepalive\n\n')))
    assert.equal(socket.destroyed, true)
    await server.close()
  })
})

suite('a client that is slow', () => {
  test('and takes part of one write between two sweeps is not cut', async () => {
    const { socket, connection, server } = await answering(writeLent)
    waitTooLong(connection, () => socket.acceptPart(1))
    assert.equal(socket.destroyed, false)
    socket.destroy()
    await server.close()
  })

  test('and had nothing to take for long is given its time for what comes then', async () => {
    const { socket, connection, server } = await answering(writeLent)
    waitTooLong(connection, () => {
      socket.accept()
      connection.writeNow(Buffer.from('data: an event of a slow model\n\n'))
    })
    assert.equal(socket.destroyed, false)
    socket.destroy()
    await server.close()
  })
})

test('a real socket tells how much of one write the system has taken', async () => {
  const total = 8_000_000
  const listener = createServer((socket) => void socket.write(Buffer.alloc(total))).listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const connected = once(listener, 'connection')
  const client = connect((listener.address() as AddressInfo).port, '127.0.0.1')
  const [socket] = (await connected) as [Socket]
  try {
    const stall = new WriteStall()
    // What the buffers of the system hold is taken at once, the rest waits for the client.
    const isStalled = () => stall.lastedMs(socket, 1_000) === 0 && stall.lastedMs(socket, 3_000) === 2_000
    await until(isStalled, { what: 'a stall' })
    client.on('data', () => client.bytesRead > 1_000_000 && client.pause())
    await until(() => stall.lastedMs(socket, 5_000) === 0, { what: 'progress' })
    assert.equal(socket.writableLength, total, 'within the one write')
  } finally {
    client.destroy()
    socket.destroy()
    listener.close()
  }
})
