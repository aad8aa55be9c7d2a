import { edgeReportSchema } from '@gpt-load/contracts/edge-report'
import { explanationPostSchema } from '@gpt-load/contracts/explanation'
import { keyEventPostSchema } from '@gpt-load/contracts/key-event'
import { resourcePostSchema, resourceQuestionSchema } from '@gpt-load/contracts/resource-key'
import { deltaHeaders } from '@gpt-load/contracts/snapshot'
import { createTokenCheck, readBearerToken } from '@gpt-load/service-kit/bearer-token'
import type { Logger } from '@gpt-load/service-kit/logger'
import { frameChunk } from '@gpt-load/transport/chunk-splitter'
import { InternalApiUnavailable, type InternalApi } from '@gpt-load/transport/internal-api'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from '@gpt-load/service-kit/node-http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { listen, type Listener } from '../http/listen.ts'
import type { BaseSource } from './base-source.ts'
import { parseByteRange } from './parse-byte-range.ts'
import { parseDeltaQuery } from './parse-delta-query.ts'
import { readJsonBody, RequestRefused } from './read-json-body.ts'

/**
 * `/internal/*` over HTTP, on a listener of its own: for edges only, by EDGE_TOKEN. A thin adapter; what it says is decided
 * behind InternalApi. Neither the public port nor the portal's proxy leads here.
 */
export type InternalServerOptions = {
  api: InternalApi
  bases: BaseSource
  edgeTokens: readonly string[]
  host: string
  /** 0 = any free one. */
  port: number
  logger: Logger
}

const headersTimeoutMs = 10_000
const requestTimeoutMs = 30_000
/** Longer than an edge keeps an idle connection, so that it is the one who closes. */
const keepAliveTimeoutMs = 75_000
/** A reader of a base that takes nothing for this long is gone. */
const stalledAnswerMs = 60_000
const maxConnections = 8_192
/** 1,000 events with two causes each. */
const maxKeyEventsBytes = 8 * 1_048_576
const maxReportBytes = 65_536
const maxExplanationBytes = 1_048_576
/** 1,000 of some 90 bytes each. */
const maxResourcesBytes = 262_144

type Exchange = { request: IncomingMessage; response: ServerResponse; url: URL; signal: AbortSignal }
type Route = (exchange: Exchange) => Promise<void>

/** Its `close` answers long polls. */
export async function startInternalServer(options: InternalServerOptions): Promise<Listener> {
  const isEdgeToken = createTokenCheck(options.edgeTokens)
  const routes = createRoutes(options)
  const closing = new AbortController()

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!isEdgeToken(readBearerToken(request.headers.authorization))) return refuse(response, 401, 'unauthorized')
    const url = URL.parse(request.url ?? '', 'http://internal')
    const route = url && findRoute(routes, request.method ?? '', url.pathname)
    if (!url || !route) return refuse(response, 404, 'not_found')
    const gone = new AbortController()
    response.once('close', () => gone.abort())
    await route({ request, response, url, signal: AbortSignal.any([gone.signal, closing.signal]) })
  }

  const server = createServer((request, response) => {
    if (closing.signal.aborted) response.setHeader('connection', 'close')
    handle(request, response).catch((error: unknown) => answerError(error, response, options.logger))
  })
  server.headersTimeout = headersTimeoutMs
  server.requestTimeout = requestTimeoutMs
  server.keepAliveTimeout = keepAliveTimeoutMs
  server.maxConnections = maxConnections
  const listener = await listen(server, options)
  return {
    port: listener.port,
    close(graceMs) {
      closing.abort()
      return listener.close(graceMs)
    },
  }
}

function findRoute(routes: Record<string, Route>, method: string, path: string): Route | undefined {
  if (method === 'GET' && path.startsWith('/internal/base/')) return routes['GET /internal/base/*']
  return routes[`${method} ${path}`]
}

function createRoutes({ api, bases }: InternalServerOptions): Record<string, Route> {
  return {
    'GET /internal/base': async ({ response }) => {
      const manifest = await api.manifest()
      if (manifest === null) refuse(response, 404, 'base_not_built')
      else answerJson(response, 200, manifest)
    },
    'GET /internal/base/*': (exchange) => answerBase(bases, exchange),
    'GET /internal/delta': (exchange) => answerDelta(api, exchange),
    'POST /internal/key-events': async ({ request, response }) => {
      const post = await readJsonBody(request, keyEventPostSchema, maxKeyEventsBytes)
      const answer = await api.keyEvents(post)
      if (answer.kind === 'ack') answerJson(response, 200, answer.ack)
      else answerJson(response, 409, { code: 'other_epoch', epoch: answer.epoch })
    },
    'POST /internal/resource-keys': async ({ request, response }) => {
      const isStored = await api.storeResources(await readJsonBody(request, resourcePostSchema, maxResourcesBytes))
      if (isStored) response.writeHead(204).end()
      else refuse(response, 409, 'other_epoch')
    },
    'GET /internal/resource-keys': async ({ response, url }) => {
      const question = resourceQuestionSchema.safeParse(Object.fromEntries(url.searchParams))
      if (!question.success) return refuse(response, 400, 'bad_query')
      const { epoch, after } = question.data
      const answer = await api.resources({ epoch, ...(after === undefined ? {} : { after }) })
      if (answer === null) refuse(response, 409, 'other_epoch')
      else answerJson(response, 200, answer)
    },
    'POST /internal/reports': async ({ request, response }) => {
      answerJson(response, 200, await api.report(await readJsonBody(request, edgeReportSchema, maxReportBytes)))
    },
    'POST /internal/explanations': async ({ request, response }) => {
      await api.explain(await readJsonBody(request, explanationPostSchema, maxExplanationBytes))
      response.writeHead(204).end()
    },
  }
}

async function answerBase(bases: BaseSource, { request, response, url, signal }: Exchange): Promise<void> {
  const [, epoch, revision] = /^\/internal\/base\/([0-9a-f]{32})\/(\d{1,15})$/.exec(url.pathname) ?? []
  const file = epoch === undefined ? null : await bases.open({ epoch, revision: Number(revision) })
  if (file === null) return refuse(response, 404, 'base_not_kept')
  const range = parseByteRange(request.headers.range, file.bytes)
  if (range === 'unsatisfiable') {
    response.setHeader('content-range', `bytes */${file.bytes}`)
    return refuse(response, 416, 'range_not_satisfiable')
  }
  const { start, end } = range ?? { start: 0, end: file.bytes }
  response.writeHead(range === null ? 200 : 206, {
    'content-type': 'application/octet-stream',
    'content-length': end - start,
    'accept-ranges': 'bytes',
    ...(range !== null && { 'content-range': `bytes ${start}-${end - 1}/${file.bytes}` }),
  })
  response.setTimeout(stalledAnswerMs, () => response.destroy())
  await pipeline(Readable.from(file.read({ start, end })), response, { signal })
}

async function answerDelta(api: InternalApi, { response, url, signal }: Exchange): Promise<void> {
  const query = parseDeltaQuery(url.searchParams)
  if (query === null) return refuse(response, 400, 'bad_query')
  const answer = await api.delta({ ...query, signal })
  if (answer.kind === 'unchanged') return void response.writeHead(204).end()
  if (answer.kind === 'base_required') return refuse(response, 409, 'base_required')
  const body = Buffer.concat(answer.chunks.map(frameChunk))
  response.writeHead(200, {
    'content-type': 'application/octet-stream',
    'content-length': body.length,
    [deltaHeaders.epoch]: answer.epoch,
    [deltaHeaders.revision]: answer.revision,
    [deltaHeaders.wrappedKeys]: answer.wrappedKeys.join(','),
    ...(answer.cursor !== undefined && { [deltaHeaders.cursor]: answer.cursor }),
  })
  response.end(body)
}

function answerError(error: unknown, response: ServerResponse, logger: Logger): void {
  if (response.destroyed) return
  if (response.headersSent) return void response.destroy()
  if (error instanceof RequestRefused) return refuse(response, error.status, error.code)
  if (error instanceof InternalApiUnavailable) {
    response.setHeader('retry-after', '1')
    return refuse(response, 503, 'unavailable')
  }
  logger.error({ err: error }, 'an internal request failed')
  refuse(response, 500, 'internal_error')
}

/** The body that was not read must not be taken for the next request. */
function refuse(response: ServerResponse, status: number, code: string): void {
  if (!response.req.complete) response.setHeader('connection', 'close')
  answerJson(response, status, { code })
}

function answerJson(response: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body)
  response
    .writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) })
    .end(text)
}
