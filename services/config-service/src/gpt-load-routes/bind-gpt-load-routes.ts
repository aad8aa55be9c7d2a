import type { Request, Response, Router } from 'express'
import { changeHeaders, type EndpointScope } from '@gpt-load/contracts/api/endpoint'
import { requireScope } from '../authorise.ts'
import { ApiProblem } from '../http/api-problem.ts'
import { presentedToken, unauthorized, type Authenticated } from '../http/authenticate-admin.ts'
import { describeFailure } from '../http/describe-failure.ts'
import { logFailure } from '../http/log-failure.ts'
import { fieldProblems } from '../http/parse-request.ts'
import { parseIfMatch } from '../http/precondition.ts'
import { readJsonBody } from '../http/read-body.ts'
import type { Services } from '../services.ts'
import type { Verbs } from '../verb.ts'
import { authRoutes } from './auth-routes.ts'
import { dashboardRoutes } from './dashboard-routes.ts'
import { toFailure, toInvalidJson, type Failure } from './failure.ts'
import type { GptLoadRoute, RouteCall } from './gpt-load-route.ts'
import { groupRoutes } from './group-routes.ts'
import { keyRoutes } from './key-routes.ts'
import { languageOf } from './language.ts'
import { logRoutes } from './log-routes.ts'
import { messages } from './messages.ts'
import { deprecatedSince, queryKey } from './present-key.ts'
import { settingRoutes } from './setting-routes.ts'
import { statusRoutes } from './status-routes.ts'
import { isForm } from './read-keys-form.ts'
import { subGroupRoutes } from './sub-group-routes.ts'
import { taskRoutes } from './task-routes.ts'

/**
 * GPT-Load's own admin routes, so that scripts and panels written for it keep working: another shape over the same verbs,
 * with the same actors, scopes and throttles. Answers are its envelope `{code, message, data}`, also for failures. A
 * path that is not here is 404.
 */
export type GptLoadOptions = {
  services: Services
  verbs: Verbs
  authenticate: (request: Request, scope: EndpointScope) => Promise<Authenticated>
  originOf: (request: Request) => string
  areAnswersChecked: boolean
}

const routes: readonly GptLoadRoute[] = [
  ...authRoutes,
  ...groupRoutes,
  ...subGroupRoutes,
  ...keyRoutes,
  ...taskRoutes,
  ...settingRoutes,
  ...logRoutes,
  ...dashboardRoutes,
  ...statusRoutes,
]

const bodyTimeoutMs = 30_000

export function bindGptLoadRoutes(router: Router, options: GptLoadOptions): void {
  for (const route of routes)
    router[route.method](route.path, (request, response) => answerRequest(route, request, response, options))
}

async function answerRequest(
  route: GptLoadRoute,
  request: Request,
  response: Response,
  options: GptLoadOptions,
): Promise<void> {
  if (queryKey(request) !== '') response.setHeader('deprecation', deprecatedSince)
  try {
    await handleRequest(route, request, response, options)
  } catch (error) {
    sendFailure(error, request, response, options.services)
  }
}

async function handleRequest(
  route: GptLoadRoute,
  request: Request,
  response: Response,
  options: GptLoadOptions,
): Promise<void> {
  const isInHeader = presentedToken(request) !== '' && queryKey(request) === ''
  if (route.isHeaderKeyOnly && !isInHeader) throw unauthorized('Send the admin key in a header.')
  const { actor, client } = await options.authenticate(request, route.scope)
  requireScope(actor, route.scope)
  const language = languageOf(request)
  const commits: number[] = []
  let message = messages[language].SUCCESS
  const data = await route.handle({
    ctx: { ...options.services, actor, requestId: response.locals['requestId'] as string },
    verbs: options.verbs,
    client,
    precondition: parseIfMatch(request.headers['if-match'], false),
    params: request.params as Record<string, string>,
    query: Object.fromEntries(new URLSearchParams(request.originalUrl.split('?')[1] ?? '')),
    body: await readBody(route, request),
    language,
    texts: messages[language],
    origin: options.originOf(request),
    request,
    response,
    noteCommit: (revision) => void (typeof revision === 'number' && commits.push(revision)),
    say: (text) => void (message = text),
  })
  if (response.headersSent) return
  if (options.areAnswersChecked) route.answer?.parse(data)
  await waitForEdges(commits, response, options.services)
  const envelope = { code: 0, message, ...(data === undefined ? {} : { data }) }
  response.json(route.isBare ? data : envelope)
}

class UnreadableBody extends ApiProblem {}

async function readBody(route: GptLoadRoute, request: Request): Promise<RouteCall<unknown>['body']> {
  if (route.body === null || (route.takesForm && isForm(request))) return undefined
  const limits = { maxBytes: route.maxBodyBytes, timeoutMs: bodyTimeoutMs, isAnyType: true }
  const value = await readJsonBody(request, limits).catch((error: unknown) => {
    if (error instanceof ApiProblem && error.code === 'bad_request') throw new UnreadableBody(error.code, error.message)
    throw error
  })
  const result = route.body.safeParse(value)
  if (result.success) return result.data
  throw new UnreadableBody('bad_request', '', { errors: fieldProblems(result.error) })
}

/** As in `/api/v1`: scripts create a group, add a key and call the proxy in the next line. */
async function waitForEdges(commits: readonly number[], response: Response, services: Services): Promise<void> {
  if (commits.length === 0) return
  const revision = Math.max(...commits)
  const { reachable, applied } = await services.awaitApplied(revision)
  response.setHeader(changeHeaders.revision, String(revision))
  response.setHeader(changeHeaders.applied, `${applied}/${reachable}`)
}

function sendFailure(error: unknown, request: Request, response: Response, { logger }: Services): void {
  const problem = describeFailure(error)
  logFailure(logger, problem, { error, request, requestId: response.locals['requestId'] as string })
  if (response.headersSent) return void response.destroy()
  for (const [name, value] of Object.entries(problem.headers)) response.setHeader(name, value)
  // A body that was not read to its end would be taken for the next request.
  if (!request.complete) response.setHeader('connection', 'close')
  const texts = messages[languageOf(request)]
  const { status, body }: Failure =
    error instanceof UnreadableBody ? toInvalidJson(error, texts) : toFailure(problem, texts)
  response.status(status).json(body)
}
