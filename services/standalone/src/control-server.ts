import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from '@gpt-load/service-kit/node-http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { PortalFiles } from '@gpt-load/admin-portal/server/portal-files'
import type { AdminKeys } from '@gpt-load/config-service/admin-keys'
import type { ConfigService } from '@gpt-load/config-service/create-config-service'
import { createTokenCheck, readBearerToken } from '@gpt-load/service-kit/bearer-token'
import type { Health } from '@gpt-load/service-kit/health'
import type { Metrics } from '@gpt-load/service-kit/metrics'

/**
 * The control plane's server of standalone, on a Unix socket that only this user can reach: the data plane hands over what
 * is not the proxy's. Adds what cluster services have on ADMIN_PORT: readiness, and metrics behind a token. The portal's files
 * are tried before the API, which answers 404 in its own form for what nobody has.
 */
export type ControlServer = { readonly socketPath: string; close(): Promise<void> }

export type ControlServerOptions = {
  app: ConfigService['app']
  /** Null when the portal has not been built. */
  portal: PortalFiles | null
  health: Health
  metrics: Metrics
  adminKeys: AdminKeys
  metricsToken: string | undefined
}

/** Longer than the data plane keeps an idle connection (pass-through.ts), so that it is never us who close. */
const keepAliveTimeoutMs = 30_000
const headersTimeoutMs = 60_000

export async function startControlServer(options: ControlServerOptions): Promise<ControlServer> {
  const folder = await mkdtemp(join(tmpdir(), 'gpt-load-'))
  const socketPath = join(folder, 'control.sock')
  const { metricsToken } = options
  const isMetricsToken = createTokenCheck(metricsToken === undefined ? [] : [metricsToken])
  const context = { ...options, isMetricsToken }
  const server = createServer((request, response) => {
    request.url = options.portal?.withoutBasePath(request.url ?? '/') ?? request.url
    const route = routes[pathOf(request)]
    if (route === undefined) return options.portal?.answer(request, response) === true || options.app(request, response)
    route(context, request, response).catch(() => answer(response, 500, '{"message":"internal error"}\n'))
  })
  server.keepAliveTimeout = keepAliveTimeoutMs
  server.headersTimeout = headersTimeoutMs
  // Imports stream for as long as they make progress; the public listener cuts what stalls.
  server.requestTimeout = 0
  server.listen(socketPath)
  await once(server, 'listening')
  return {
    socketPath,
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
      await rm(folder, { recursive: true, force: true })
    },
  }
}

type RouteContext = ControlServerOptions & { isMetricsToken(token: string): boolean }
type Route = (context: RouteContext, request: IncomingMessage, response: ServerResponse) => Promise<void>

const routes: Readonly<Record<string, Route>> = {
  async '/readyz'({ health }, _request, response) {
    const report = await health.readiness()
    answer(response, report.ready ? 200 : 503, `${JSON.stringify({ ready: report.ready })}\n`)
  },
  async '/metrics'({ metrics, isMetricsToken, adminKeys }, request, response) {
    const token = readBearerToken(request.headers.authorization)
    const isAllowed = token !== '' && (isMetricsToken(token) || (await adminKeys.verify(token)) !== null)
    if (!isAllowed) {
      response.setHeader('www-authenticate', 'Bearer')
      return answer(response, 401, '{"message":"METRICS_TOKEN or the admin key is needed"}\n')
    }
    const { contentType, body } = await metrics.render()
    answer(response, 200, body, contentType)
  },
}

function pathOf({ url = '/' }: IncomingMessage): string {
  return url.split('?', 1)[0] ?? '/'
}

function answer(response: ServerResponse, status: number, body: string, contentType = 'application/json'): void {
  response.writeHead(status, { 'content-type': contentType, 'content-length': Buffer.byteLength(body) }).end(body)
}
