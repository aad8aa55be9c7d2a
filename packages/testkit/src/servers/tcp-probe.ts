import { connect } from 'node:net'
import type { Socket } from 'node:net'

const PROBE_TIMEOUT_MS = 2_000

/** Opens a connection to loopback, writes `request` and gives the first bytes of the answer. */
export function exchangeOnce(port: number, request: Uint8Array): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket: Socket = connect({ port, host: '127.0.0.1', timeout: PROBE_TIMEOUT_MS })
    const fail = (error: Error) => {
      socket.destroy()
      reject(error)
    }
    socket.once('error', fail)
    socket.once('timeout', () => fail(new Error(`no answer on port ${port} within ${PROBE_TIMEOUT_MS} ms`)))
    socket.once('close', () => reject(new Error(`port ${port} closed the connection`)))
    socket.once('data', (bytes: Buffer) => {
      socket.destroy()
      resolve(bytes)
    })
    socket.write(request)
  })
}
