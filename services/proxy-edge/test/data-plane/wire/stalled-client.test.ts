import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { suite, test } from 'node:test'
import { handleOwnRead, OwnRead } from '../../../src/data-plane/wire/connect/own-read.ts'
import { Http1Connection } from '../../../src/data-plane/wire/http1-connection.ts'
import { Http1Downstream } from '../../../src/data-plane/wire/http1-downstream.ts'
import { defaultLimits } from '../../support/open-data-plane.ts'
import { RecordingDownstreamReceiver } from '../../support/recording-receivers.ts'

/** A socket whose system takes one write each time it is told to. */
class StubbornSocket extends Duplex {
  readonly remoteAddress = '127.0.0.1'
  #onTaken: (() => void) | null = null

  constructor() {
    super({ highWaterMark: 327_680, autoDestroy: false })
  }

  override _read(): void {}

  override _write(_bytes: Buffer, _encoding: string, onTaken: () => void): void {
    this.#onTaken = onTaken
  }

  accept(): void {
    const onTaken = this.#onTaken
    this.#onTaken = null
    onTaken?.()
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
  handleOwnRead(own, 8_192, (bytes) => assert.equal(exchange.write(bytes), false))
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

function waitTooLong(connection: Http1Connection): void {
  const now = performance.now()
  for (const rounds of [1, 2, 3]) connection.checkTimeouts(now + rounds * 2 * defaultLimits.writeStallTimeoutMs)
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
})
