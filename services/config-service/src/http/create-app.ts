import { randomUUID } from 'node:crypto'
import type { CorsOptions } from '@gpt-load/service-kit/cors-variables'
import express, { type Express, type NextFunction, type Request, type Response } from 'express'
import { problemMediaType } from '@gpt-load/contracts/api/problem-response'
import { requestIdHeader } from '@gpt-load/contracts/proxy-errors'
import type { Services } from '../services.ts'
import type { Verbs } from '../verb.ts'
import { bindGptLoadRoutes } from '../gpt-load-routes/bind-gpt-load-routes.ts'
import { tokenOfAnyPlace } from '../gpt-load-routes/present-key.ts'
import { answerCors } from './answer-cors.ts'
import { ApiProblem } from './api-problem.ts'
import { createAuthenticateAdmin } from './authenticate-admin.ts'
import { bindEndpoints } from './bind-endpoint.ts'
import { createClientAddressOf, createOwnOriginOf } from './client-address.ts'
import { describeFailure } from './describe-failure.ts'
import { createFailureThrottle } from './failure-throttle.ts'
import { bindHealth } from './health.ts'
import { logFailure } from './log-failure.ts'
import { bindIntegrationInfo } from './integration-info.ts'
import { bindReference } from './reference/bind-reference.ts'
import { apiHeaders } from './api-headers.ts'

/**
 * The public HTTP face of config-service: the endpoint table under /api/v1, and the two routes that GPT-Load has open to
 * everybody (/health, integration info). Order of a request: request id and security headers, route, authentication,
 * contract, verb, answer; every failure leaves as problem+json. GPT-Load's own routes are beside it, with its envelope. Left
 * out: /internal (a listener of its own) and the portal's files.
 */
export type AppOptions = {
  services: Services
  verbs: Verbs
  /** CIDR ranges of reverse proxies whose X-Forwarded-For, -Proto and -Host are believed. */
  trustedProxies: readonly string[]
  /** Absent: browsers keep pages of other origins out. */
  cors?: CorsOptions | null
  areAnswersChecked?: boolean
}

const clientRequestIdPattern = /^[A-Za-z0-9._-]{8,64}$/

export function createApp(options: AppOptions): Express {
  const { services, verbs } = options
  const clientAddressOf = createClientAddressOf({ trustedProxies: options.trustedProxies })
  const ownOriginOf = createOwnOriginOf({ trustedProxies: options.trustedProxies })
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  app.set('case sensitive routing', true)
  app.set('query parser', false)
  app.use(prepareAnswer)
  if (options.cors) app.use(answerCors(options.cors))
  bindHealth(app, services)
  bindReference(app)
  bindIntegrationInfo(app, { services, throttle: createFailureThrottle({ clock: services.clock }), clientAddressOf })
  bindEndpoints(app, {
    services,
    verbs,
    authenticate: createAuthenticateAdmin({ services, clientAddressOf, ownOriginOf }),
    isSecure: (request) => ownOriginOf(request).startsWith('https:'),
    areAnswersChecked: options.areAnswersChecked ?? false,
  })
  bindGptLoadRoutes(app, {
    services,
    verbs,
    authenticate: createAuthenticateAdmin({ services, clientAddressOf, ownOriginOf, tokenOf: tokenOfAnyPlace }),
    originOf: ownOriginOf,
    areAnswersChecked: options.areAnswersChecked ?? false,
  })
  app.use(() => {
    throw new ApiProblem('not_found', 'There is nothing at this path.')
  })
  app.use(createErrorHandler(services))
  return app
}

function prepareAnswer(request: Request, response: Response, next: NextFunction): void {
  const given = request.headers[requestIdHeader]
  const requestId = typeof given === 'string' && clientRequestIdPattern.test(given) ? given : randomUUID()
  response.locals['requestId'] = requestId
  response.setHeader(requestIdHeader, requestId)
  for (const [name, value] of Object.entries(apiHeaders)) response.setHeader(name, value)
  next()
}

/** express recognises an error handler by its four parameters. */
function createErrorHandler({ logger }: Pick<Services, 'logger'>) {
  return (error: unknown, request: Request, response: Response, _next: NextFunction): void => {
    const problem = describeFailure(error)
    const requestId = response.locals['requestId'] as string
    logFailure(logger, problem, { error, request, requestId })
    if (response.headersSent) return void response.destroy()
    for (const [name, value] of Object.entries(problem.headers)) response.setHeader(name, value)
    // A body that was not read to its end would be taken for the next request.
    if (!request.complete) response.setHeader('connection', 'close')
    response
      .status(problem.status)
      .type(problemMediaType)
      .send(JSON.stringify(problem.toBody(requestId)))
  }
}
