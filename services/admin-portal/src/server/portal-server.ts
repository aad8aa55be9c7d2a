import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createProxyServer } from 'httpxy'
import type { Logger } from '@gpt-load/service-kit/logger'
import type { PortalFiles } from './portal-files.ts'

/**
 * Pages, and `/api` passed on to config-service as it comes: bodies and server-sent events are streamed, nothing is kept, no credential
 * is read. Only `/api` goes there, so that what config-service has for edges stays out of reach. The caller's address is appended to
 * X-Forwarded-For: name this server in config-service's TRUSTED_PROXIES.
 */
export type PortalServer = { readonly port: number; close(): Promise<void> }

export type PortalServerOptions = {
  host: string
  port: number
  /** Origins of config-services, one at least. */
  targets: readonly string[]
  files: PortalFiles
  logger: Logger
}

const headersTimeoutMs = 10_000
/** Above what balancers keep idle connections for (60 s), so that they are the ones who close. */
const keepAliveTimeoutMs = 65_000
const graceMs = 5_000

export async function startPortalServer(options: PortalServerOptions): Promise<PortalServer> {
  const proxy = createProxyServer({ xfwd: true })
  // All replicas are alike: one is used for as long as it answers.
  let current = 0
  const server = createServer((request, response) => {
    request.url = options.files.withoutBasePath(request.url ?? '/')
    if (isApi(request.url)) return passOn(request, response)
    if (!options.files.answer(request, response)) refuse(response, 404, 'not_found', 'Not found')
  })
  server.headersTimeout = headersTimeoutMs
  server.keepAliveTimeout = keepAliveTimeoutMs
  // Imports and event streams last as long as they make progress: config-service has the bounds.
  server.requestTimeout = 0
  server.listen(options.port, options.host)
  await once(server, 'listening')
  return { port: (server.address() as AddressInfo).port, close: () => close(server) }

  function passOn(request: IncomingMessage, response: ServerResponse, tries = options.targets.length): void {
    const used = current
    proxy.web(request, response, { target: options.targets[used] as string }).catch((error: unknown) => {
      if (response.headersSent || request.socket.destroyed) return void response.destroy()
      options.logger.warn(
        { err: error, method: request.method, target: options.targets[used] },
        'config-service does not answer',
      )
      if (used === current) current = (current + 1) % options.targets.length
      // A body is partly gone, and a change may have been made: only the caller can know.
      if (tries > 1 && request.method === 'GET') return passOn(request, response, tries - 1)
      refuse(response, 503, 'unavailable', 'A dependency is away')
    })
  }
}

function isApi(url: string): boolean {
  return /^\/api(?:[/?]|$)/.test(url)
}

function refuse(response: ServerResponse, status: number, code: string, title: string): void {
  const body = JSON.stringify({ type: `urn:gpt-load:problem:${code}`, title, status, code })
  response.writeHead(status, {
    'content-type': 'application/problem+json',
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  })
  response.end(body)
}

async function close(server: Server): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  server.closeIdleConnections()
  const cut = setTimeout(() => server.closeAllConnections(), graceMs)
  await closed
  clearTimeout(cut)
}
