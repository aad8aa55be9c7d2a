import { createServer, type RequestListener } from 'node:http'
import { listen, type Listener } from './listen.ts'

/** The application on the public port. Bounds are for administrators and CI; edges have a listener of their own. */
const headersTimeoutMs = 10_000
/** Whole request, body included: an import of keys over a slow line. Bodies have their own, shorter bound (read-body). */
const requestTimeoutMs = 120_000
/** Above what balancers keep idle connections for (60 s), so that they are the ones who close. */
const keepAliveTimeoutMs = 65_000
/** An answer of which nothing is taken for so long is nobody's. */
const stalledSocketMs = 120_000
const maxConnections = 2_048

export async function startPublicServer(options: {
  app: RequestListener
  host: string
  port: number
}): Promise<Listener> {
  let isClosing = false
  const server = createServer((request, response) => {
    // Else a client that keeps sending on one connection would hold the end of the process up.
    if (isClosing) response.setHeader('connection', 'close')
    options.app(request, response)
  })
  server.headersTimeout = headersTimeoutMs
  server.requestTimeout = requestTimeoutMs
  server.keepAliveTimeout = keepAliveTimeoutMs
  server.setTimeout(stalledSocketMs)
  server.maxConnections = maxConnections
  const listener = await listen(server, options)
  return {
    port: listener.port,
    close(graceMs) {
      isClosing = true
      return listener.close(graceMs)
    },
  }
}
