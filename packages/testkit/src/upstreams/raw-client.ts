import { connect as connectTcp } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { ConnectionOptions } from 'node:tls'
import { RawConnection } from './raw-connection.ts'

export type RawClientOptions = {
  port: number
  host?: string
  /** TLS with these options, as in `{ ca }`. */
  tls?: ConnectionOptions
}

/** A client that writes exact bytes. Half-open stays half-open: the peer's FIN does not end our side. */
export function connectRawClient({ port, host = '127.0.0.1', tls }: RawClientOptions): Promise<RawConnection> {
  return new Promise((resolve, reject) => {
    const options = { port, host, allowHalfOpen: true }
    const socket = tls ? connectTls({ ...options, servername: 'localhost', ...tls }) : connectTcp(options)
    const connection = new RawConnection(socket)
    socket.once('error', reject)
    socket.once(tls ? 'secureConnect' : 'connect', () => resolve(connection))
  })
}
