// The listener of ADMIN_PORT: liveness, readiness, health and metrics for the orchestrator and the collector. It is
// never the public port. Invariant: it answers from memory and bounded, whatever a scanner sends it. Left out: TLS and
// anything that changes a state.
//
//   /livez    200 while the event loop turns      /readyz   200 or 503, the checks in the body
//   /health   200, GPT-Load's body, no checks     /metrics  Prometheus text, behind a bearer token if one is set

import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createTokenCheck, readBearerToken } from './bearer-token.ts'
import type { EnvironmentVariable } from './environment-variables.ts'
import { createServer } from './node-http.ts'
import { envInteger, envSecret, envString } from './environment-variables.ts'
import type { Health } from './health.ts'
import type { Logger } from './logger.ts'
import type { Metrics } from './metrics.ts'

export type AdminServerOptions = {
  readonly host: string
  /** 0 for any free port. */
  readonly port: number
  readonly health: Health
  readonly metrics: Metrics
  /** Asked for by /metrics only. */
  readonly metricsToken?: string
  readonly logger: Logger
}

export interface AdminServer {
  readonly host: string
  readonly port: number
  close(): Promise<void>
}

type Answer = {
  readonly status: number
  readonly body: string
  readonly contentType: string
  readonly headers?: Record<string, string>
}
type Route = (request: IncomingMessage) => Answer | Promise<Answer>

/** Probes and scrapes have no bodies and few headers. */
const LIMITS = { maxHeaderSize: 8_192, headersTimeout: 5_000, requestTimeout: 5_000, keepAliveTimeout: 10_000 } as const
const MAX_CONNECTIONS = 64

export function adminVariables(): {
  ADMIN_HOST: EnvironmentVariable<string>
  ADMIN_PORT: EnvironmentVariable<number>
  METRICS_TOKEN: EnvironmentVariable<string | undefined>
} {
  return {
    ADMIN_HOST: envString({ default: '0.0.0.0', description: 'Address of health, readiness and metrics' }),
    ADMIN_PORT: envInteger({
      default: 9090,
      min: 0,
      max: 65_535,
      description: 'Port of health, readiness and metrics',
    }),
    METRICS_TOKEN: envSecret({ minLength: 16, description: 'Bearer token that /metrics asks for' }).optional(),
  }
}

/** Listens when it resolves; rejects with the system's error (EADDRINUSE). */
export async function startAdminServer(options: AdminServerOptions): Promise<AdminServer> {
  const routes = createRoutes(options)
  const server = createServer(LIMITS, (request, response) => {
    void handle(routes, request, response, options.logger)
  })
  server.maxConnections = MAX_CONNECTIONS
  server.listen(options.port, options.host)
  await once(server, 'listening')
  const { address, port } = server.address() as AddressInfo
  return {
    host: address,
    port,
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

function createRoutes({ health, metrics, metricsToken }: AdminServerOptions): ReadonlyMap<string, Route> {
  const isAllowed = metricsToken === undefined ? () => true : createBearerCheck(metricsToken)
  return new Map<string, Route>([
    ['/livez', () => json(200, { status: 'alive' })],
    ['/health', () => json(200, health.body())],
    [
      '/readyz',
      async () => {
        const report = await health.readiness()
        return json(report.ready ? 200 : 503, report)
      },
    ],
    [
      '/metrics',
      async (request) => {
        if (!isAllowed(request.headers.authorization)) return unauthorised
        const { contentType, body } = await metrics.render()
        return { status: 200, body, contentType }
      },
    ],
  ])
}

async function handle(
  routes: ReadonlyMap<string, Route>,
  request: IncomingMessage,
  response: ServerResponse,
  logger: Logger,
) {
  try {
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/'
    const route = routes.get(path)
    if (!route)
      return send(response, json(404, { message: `there is nothing here; try ${[...routes.keys()].join(', ')}` }))
    const isRead = request.method === 'GET' || request.method === 'HEAD'
    send(
      response,
      isRead ? await route(request) : { ...json(405, { message: 'use GET' }), headers: { allow: 'GET, HEAD' } },
    )
  } catch (error) {
    logger.error({ err: error }, 'admin request failed')
    if (!response.headersSent) send(response, json(500, { message: 'internal error' }))
  }
}

function send(response: ServerResponse, { status, body, contentType, headers = {} }: Answer): void {
  const bytes = Buffer.from(body)
  // Whatever was sent as a body is not read: the connection ends with an answer that is no success.
  const connection = status < 400 || status === 503 ? {} : { connection: 'close' }
  const fixed = { 'content-type': contentType, 'content-length': bytes.length, 'cache-control': 'no-store' }
  response.writeHead(status, { ...fixed, ...connection, ...headers }).end(bytes)
}

function json(status: number, value: unknown): Answer {
  return { status, body: `${JSON.stringify(value)}\n`, contentType: 'application/json; charset=utf-8' }
}

const unauthorised: Answer = {
  ...json(401, { message: 'a bearer token is needed' }),
  headers: { 'www-authenticate': 'Bearer' },
}

function createBearerCheck(token: string): (authorization: string | undefined) => boolean {
  const isToken = createTokenCheck([token])
  return (authorization) => isToken(readBearerToken(authorization))
}
