import type { Request, Response, Router } from 'express'
import { changeHeaders, idempotencyHeaders, type Endpoint, type EndpointScope } from '@gpt-load/contracts/api/endpoint'
import { endpoints, operationIds, type OperationId } from '@gpt-load/contracts/api/endpoints'
import { requireScope } from '../authorise.ts'
import { runIdempotent } from '../idempotency/run-idempotent.ts'
import type { Services } from '../services.ts'
import type { VerbAnswer, VerbContext, VerbInput, Verbs } from '../verb.ts'
import { ApiProblem } from './api-problem.ts'
import { readIdempotencyKey } from './idempotency-key.ts'
import { parseRequest, type RequestParts } from './parse-request.ts'
import { withCurrent } from './with-current.ts'
import { etagOf, parseIfMatch } from './precondition.ts'
import type { Authenticated } from './authenticate-admin.ts'
import { queryParameters } from './query-parameters.ts'
import { readJsonBody } from './read-body.ts'
import { openUpload } from './read-upload.ts'
import { sendStream } from './send-stream.ts'
import { setSessionCookie } from './session-cookie.ts'

/**
 * One entry of the endpoint table -> one route: authenticate, read and check the request by the contract, call the verb,
 * wait until edges have applied the change, answer.
 */
export type BindOptions = {
  services: Services
  verbs: Verbs
  authenticate: (request: Request, scope: EndpointScope) => Promise<Authenticated>
  isSecure: (request: Request) => boolean
  /** In tests: an answer that breaks its own schema is an error. */
  areAnswersChecked: boolean
}

const bodyTimeoutMs = 30_000

type AnyVerb = (call: { ctx: VerbContext; input: VerbInput<OperationId> }) => Promise<VerbAnswer<unknown>>

export function bindEndpoints(router: Router, options: BindOptions): void {
  for (const operationId of operationIds) bindEndpoint(router, operationId, options)
  for (const path of new Set(operationIds.map((id) => endpoints[id].path))) refuseOtherMethods(router, path)
}

function bindEndpoint(router: Router, operationId: OperationId, options: BindOptions): void {
  const endpoint: Endpoint = endpoints[operationId]
  const verb = options.verbs[operationId] as unknown as AnyVerb
  const method = endpoint.method.toLowerCase() as 'get' | 'post' | 'put' | 'patch' | 'delete'
  router[method](expressPath(endpoint.path), async (request, response) => {
    const { actor, client } = await options.authenticate(request, endpoint.scope)
    requireScope(actor, endpoint.scope)
    const input = { ...(await readInput(endpoint, request)), client }
    const ctx: VerbContext = { ...options.services, actor, requestId: response.locals['requestId'] as string }
    const run = (inside: VerbContext) =>
      withCurrent(options.verbs, { ctx, endpoint, input }, () =>
        verb({ ctx: inside, input: input as unknown as VerbInput<OperationId> }),
      )
    const key = endpoint.idempotency === 'ignored' ? null : readIdempotencyKey(request)
    const answer =
      key === null
        ? await run(ctx)
        : await runIdempotent(
            ctx,
            { key, isOnce: endpoint.idempotency === 'once', request: describeRequest(request, input) },
            run,
          )
    if (options.areAnswersChecked) endpoint.response.schema?.parse(answer.value)
    if (answer.sessionToken !== undefined)
      setSessionCookie(response, answer.sessionToken, { isSecure: options.isSecure(request) })
    await sendAnswer(endpoint, answer, response, options.services)
  })
}

/** What must be the same for a key to mean the same request. Parsed: white space and defaults make no difference. */
function describeRequest(request: Request, { params, query, body }: RequestParts): string {
  return JSON.stringify([request.method, request.path, params, query, body])
}

async function readInput(endpoint: Endpoint, request: Request) {
  const body =
    endpoint.body === null
      ? undefined
      : await readJsonBody(request, { maxBytes: endpoint.maxBodyBytes, timeoutMs: bodyTimeoutMs })
  const parts = { params: { ...request.params }, query: queryParameters(request.originalUrl), body }
  return {
    ...parseRequest(endpoint, parts),
    precondition: parseIfMatch(request.headers['if-match'], endpoint.needsIfMatch),
    upload: endpoint.upload === null ? null : openUpload(request, endpoint.upload),
  }
}

async function sendAnswer(
  endpoint: Endpoint,
  answer: VerbAnswer<unknown>,
  response: Response,
  services: Services,
): Promise<void> {
  if (answer.isReplayed === true) response.setHeader(idempotencyHeaders.replayed, 'true')
  if (answer.revision !== undefined) response.setHeader('etag', etagOf(answer.revision))
  if (answer.committed !== undefined) {
    const { reachable, applied } = await services.awaitApplied(answer.committed)
    response.setHeader(changeHeaders.revision, String(answer.committed))
    response.setHeader(changeHeaders.applied, `${applied}/${reachable}`)
  }
  const { status } = endpoint.response
  if (answer.file !== undefined) response.attachment(answer.file.name)
  if (answer.stream !== undefined && endpoint.download !== null)
    return sendStream(response, { type: answer.file?.type ?? endpoint.download, status, stream: answer.stream })
  // A stored answer needs no body to be read; what is left of it would be taken for the next request.
  if (endpoint.upload !== null && !response.req.complete) response.setHeader('connection', 'close')
  response.status(status)
  if (endpoint.response.schema === null) return void response.end()
  response.type('application/json').send(JSON.stringify(answer.value))
}

function refuseOtherMethods(router: Router, path: Endpoint['path']): void {
  const allowed = operationIds.filter((id) => endpoints[id].path === path).map((id) => endpoints[id].method)
  router.all(expressPath(path), () => {
    throw new ApiProblem('method_not_allowed', `Use ${allowed.join(' or ')}.`, {
      headers: { allow: allowed.join(', ') },
    })
  })
}

/** `{id}` of the table -> `:id`. */
function expressPath(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1')
}
