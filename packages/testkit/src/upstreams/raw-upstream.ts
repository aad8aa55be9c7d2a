// An upstream of bytes: for what no HTTP library would answer. Either a handler drives each connection, or the test
// takes the requests one by one, whichever connection they come on, and answers them.

import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import type { IssuedCertificate } from '../servers/certificate-authority.ts'
import { RawConnection } from './raw-connection.ts'
import { createWaitingQueue } from './waiting-queue.ts'

export type RawUpstreamHandler = (socket: Socket, connection: RawConnection) => unknown

export type RawUpstreamOptions = {
  port?: number
  tls?: Pick<IssuedCertificate, 'certPem' | 'keyPem'>
}

export type RawRequest = {
  /** Exactly what came, from the method to the last byte of the body. */
  bytes: Buffer
  connection: RawConnection
  answer: (bytes: Uint8Array | string) => Promise<void>
}

export interface RawUpstream extends AsyncDisposable {
  readonly port: number
  readonly url: string
  /** Every connection ever accepted, in order. */
  readonly connections: RawConnection[]
  /** What handlers threw: a test that expects nothing of the kind asserts that it is empty. */
  readonly handlerErrors: unknown[]
  /** Without a handler: the next request on any connection. */
  expectRequest(timeoutMs?: number): Promise<RawRequest>
  /** The next accepted connection. */
  expectConnection(timeoutMs?: number): Promise<RawConnection>
  close(): Promise<void>
}

export async function startRawUpstream(
  handler?: RawUpstreamHandler,
  options: RawUpstreamOptions = {},
): Promise<RawUpstream> {
  const connections: RawConnection[] = []
  const handlerErrors: unknown[] = []
  const requests = createWaitingQueue<RawRequest>()
  const accepted = createWaitingQueue<RawConnection>()
  const handle = handler ?? ((_socket: Socket, connection: RawConnection) => queueRequests(connection, requests.push))
  const accept = (socket: Socket) => {
    const connection = new RawConnection(socket)
    connections.push(connection)
    accepted.push(connection)
    // A connection that ends is an expected outcome for the queue, an error of the test's for a handler.
    void Promise.resolve()
      .then(() => handle(socket, connection))
      .catch((error: unknown) => handler && handlerErrors.push(error))
  }
  const { tls } = options
  const server = tls
    ? createTlsServer({ cert: tls.certPem, key: tls.keyPem, allowHalfOpen: true }, accept)
    : createServer({ allowHalfOpen: true }, accept)
  // A TLS handshake that fails never becomes a connection of ours, but its socket stays.
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => sockets.add(socket))
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port ?? 0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  const close = async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  }
  return {
    port,
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}`,
    connections,
    handlerErrors,
    expectRequest: (timeoutMs) => requests.next({ what: 'a request', ...(timeoutMs && { timeoutMs }) }),
    expectConnection: (timeoutMs) => accepted.next({ what: 'a connection', ...(timeoutMs && { timeoutMs }) }),
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** An idle connection may stay open for as long as the test runs. */
const IDLE_TIMEOUT_MS = 600_000

async function queueRequests(connection: RawConnection, push: (request: RawRequest) => void): Promise<void> {
  for (;;) {
    const bytes = await connection.readRequest(IDLE_TIMEOUT_MS)
    push({ bytes, connection, answer: (answer) => connection.write(answer) })
  }
}
