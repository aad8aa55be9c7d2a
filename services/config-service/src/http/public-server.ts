import type { RequestListener } from 'node:http'
import { createServer } from '@gpt-load/service-kit/node-http'
import { listen, type Listener } from './listen.ts'

/** The application on the public port. Bounds are for administrators and CI; edges have a listener of their own. */
const headersTimeoutMs = 10_000
/** Imports stream for as long as they make progress; other bodies have a bound of their own (read-body). */
const requestTimeoutMs = 0
/** Above what balancers keep idle connections for (60 s), so that they are the ones who close. */
const keepAliveTimeoutMs = 65_000
/** A request that brings nothing for so long, or an answer of which nothing is taken, is nobody's. */
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
