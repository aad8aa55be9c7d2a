// Stands between clients and a broker (KafkaOptions.advertisedPort) and loses acknowledgements: the broker has stored what
// was sent, and the client hears nothing but the end of its connection. A broker answers the requests of a connection in
// their order, so the n-th answer belongs to the n-th request.

import { connect, createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'

export interface KafkaRelay extends AsyncDisposable {
  readonly port: number
  /** The answers to so many of the next sends are thrown away, and their connections with them. */
  loseAcknowledgements(count: number): void
  /** How many were lost so far. */
  readonly lost: number
}

const produceApiKey = 0
const sizeBytes = 4

export async function startKafkaRelay(options: { port?: number; brokerPort: number }): Promise<KafkaRelay> {
  const sockets = new Set<Socket>()
  let toLose = 0
  let lost = 0
  const server = createServer((client) => {
    const broker = connect(options.brokerPort, '127.0.0.1')
    const asked: number[] = []
    for (const socket of [client, broker]) {
      sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        sockets.delete(socket)
        client.destroy()
        broker.destroy()
      })
    }
    client.on(
      'data',
      frames((frame) => {
        asked.push(frame.readInt16BE(sizeBytes))
        broker.write(frame)
      }),
    )
    broker.on(
      'data',
      frames((frame) => {
        if (asked.shift() !== produceApiKey || toLose === 0) return void client.write(frame)
        toLose -= 1
        lost += 1
        client.destroy()
      }),
    )
  })
  await listen(server, options.port ?? 0)
  return {
    port: (server.address() as AddressInfo).port,
    loseAcknowledgements: (count) => (toLose += count),
    get lost() {
      return lost
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
}

/** Cuts a stream of bytes into Kafka's frames: four bytes of size, then that much. */
function frames(take: (frame: Buffer) => void): (bytes: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0)
  return (bytes) => {
    rest = rest.length === 0 ? bytes : Buffer.concat([rest, bytes])
    while (rest.length >= sizeBytes) {
      const end = sizeBytes + rest.readInt32BE(0)
      if (rest.length < end) return
      take(rest.subarray(0, end))
      rest = rest.subarray(end)
    }
  }
}
