import { baseManifestSchema, deltaHeaders } from '@gpt-load/contracts/snapshot'
import { edgeReportAnswerSchema } from '@gpt-load/contracts/edge-report'
import { keyEventAckSchema } from '@gpt-load/contracts/key-event'
import { resourceAnswerSchema } from '@gpt-load/contracts/resource-key'
import { splitChunks } from '@gpt-load/transport/chunk-splitter'
import { InternalApiUnavailable } from '@gpt-load/transport/internal-api'
import type { DeltaAnswer, DeltaRequest, InternalApi } from '@gpt-load/transport/internal-api'
import { Agent, request } from 'undici'
import type { Dispatcher } from 'undici'

/**
 * `/internal/*` of config-service over HTTP. Stays with the replica that answered last and goes to the next one when it
 * fails; a replica that is away costs one connect timeout. Never called on the request path.
 */
export type InternalClientOptions = {
  urls: readonly string[]
  /** The first one is sent; the others open snapshots only. */
  edgeTokens: readonly string[]
}

const connectTimeoutMs = 2_000
const answerTimeoutMs = 10_000
/** On top of a long poll's own wait. */
const longPollSlackMs = 5_000
/** A base arrives in pieces; silence between two of them longer than this is a broken connection. */
const pieceTimeoutMs = 15_000
/** A delta answer is at most 4 MiB of plain records. */
const maxDeltaAnswerBytes = 16 * 1_048_576
const maxJsonBytes = 65_536
/** 5,000 of some 90 bytes each. */
const maxResourceBytes = 1_048_576

export interface InternalClient extends InternalApi {
  close(): Promise<void>
}

export function createInternalClient({ urls, edgeTokens }: InternalClientOptions): InternalClient {
  const agent = new Agent({
    connect: { timeout: connectTimeoutMs },
    bodyTimeout: pieceTimeoutMs,
    keepAliveTimeout: 30_000,
  })
  const authorization = `Bearer ${edgeTokens[0] ?? ''}`
  let current = 0

  async function call(path: string, options: CallOptions = {}): Promise<Dispatcher.ResponseData> {
    let failure: unknown
    for (let tries = 0; tries < urls.length; tries += 1) {
      try {
        return await callOne(urls[current] as string, path, options)
      } catch (error) {
        options.signal?.throwIfAborted()
        failure = error
        current = (current + 1) % urls.length
      }
    }
    throw new InternalApiUnavailable(describe(failure), { cause: failure })
  }

  async function callOne(url: string, path: string, options: CallOptions): Promise<Dispatcher.ResponseData> {
    const { body, headers = {}, timeoutMs = answerTimeoutMs, signal } = options
    const answer = await request(new URL(path, url), {
      dispatcher: agent,
      method: body === undefined ? 'GET' : 'POST',
      headersTimeout: timeoutMs,
      headers: { authorization, ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    })
    if (answer.statusCode < 500 && answer.statusCode !== 401 && answer.statusCode !== 403 && answer.statusCode !== 429)
      return answer
    await answer.body.dump({ limit: maxJsonBytes })
    if (answer.statusCode === 401 || answer.statusCode === 403)
      throw new Error('config-service refuses this EDGE_TOKEN')
    throw new Error(`config-service answered ${answer.statusCode}`)
  }

  return {
    async manifest() {
      const answer = await call('/internal/base')
      if (answer.statusCode === 200) return baseManifestSchema.parse(await readJson(answer))
      await answer.body.dump()
      return null
    },
    async base({ epoch, revision, fromByte = 0 }, signal) {
      const headers: Record<string, string> = fromByte > 0 ? { range: `bytes=${fromByte}-` } : {}
      const answer = await call(`/internal/base/${epoch}/${revision}`, {
        headers,
        ...(signal === undefined ? {} : { signal }),
      })
      const expected = fromByte > 0 ? 206 : 200
      if (answer.statusCode === expected) return answer.body
      await answer.body.dump()
      return null
    },
    async delta(delta) {
      const timeoutMs = (delta.waitMs ?? 0) + (delta.waitMs === undefined ? answerTimeoutMs : longPollSlackMs)
      const answer = await call(deltaPath(delta), {
        timeoutMs,
        ...(delta.signal === undefined ? {} : { signal: delta.signal }),
      })
      return readDelta(answer)
    },
    async keyEvents(post) {
      const answer = await call('/internal/key-events', { body: post })
      const body = (await readJson(answer)) as Record<string, unknown>
      if (answer.statusCode === 200) return { kind: 'ack', ack: keyEventAckSchema.parse(body['ack'] ?? body) }
      if (answer.statusCode === 409) return { kind: 'other_epoch', epoch: String(body['epoch']) }
      throw new InternalApiUnavailable(`key events were refused with ${answer.statusCode}`)
    },
    async storeResources(post) {
      const answer = await call('/internal/resource-keys', { body: post })
      await answer.body.dump()
      if (answer.statusCode === 204 || answer.statusCode === 409) return answer.statusCode === 204
      throw new InternalApiUnavailable(`resources were refused with ${answer.statusCode}`)
    },
    async resources({ epoch, after }) {
      const query = new URLSearchParams({ epoch, ...(after === undefined ? {} : { after: String(after) }) })
      const answer = await call(`/internal/resource-keys?${query}`)
      if (answer.statusCode === 200) return resourceAnswerSchema.parse(await readJson(answer, maxResourceBytes))
      await answer.body.dump()
      if (answer.statusCode === 409) return null
      throw new InternalApiUnavailable(`resources were not answered: ${answer.statusCode}`)
    },
    async report(report) {
      const answer = await call('/internal/reports', { body: report })
      if (answer.statusCode === 200) return edgeReportAnswerSchema.parse(await readJson(answer))
      await answer.body.dump()
      throw new InternalApiUnavailable(`the report was refused with ${answer.statusCode}`)
    },
    async explain(post) {
      const answer = await call('/internal/explanations', { body: post })
      await answer.body.dump()
      if (answer.statusCode !== 204) throw new InternalApiUnavailable(`the answer was refused: ${answer.statusCode}`)
    },
    close: () => agent.destroy(),
  }
}

type CallOptions = { body?: unknown; headers?: Record<string, string>; timeoutMs?: number; signal?: AbortSignal }

function deltaPath({ epoch, since, cursor, waitMs }: DeltaRequest): string {
  const query = new URLSearchParams({ epoch, since: String(since) })
  if (cursor !== undefined) query.set('cursor', cursor)
  if (waitMs !== undefined) query.set('wait', String(Math.floor(waitMs / 1000)))
  return `/internal/delta?${query}`
}

async function readDelta(answer: Dispatcher.ResponseData): Promise<DeltaAnswer> {
  if (answer.statusCode !== 200) {
    await answer.body.dump()
    if (answer.statusCode === 204) return { kind: 'unchanged' }
    if (answer.statusCode === 409) return { kind: 'base_required' }
    throw new InternalApiUnavailable(`the delta was refused with ${answer.statusCode}`)
  }
  const header = (name: string) => String(answer.headers[name] ?? '')
  const cursor = header(deltaHeaders.cursor)
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of splitChunks(answer.body)) {
    bytes += chunk.length
    if (bytes > maxDeltaAnswerBytes) throw new InternalApiUnavailable('the delta is larger than it may be')
    chunks.push(chunk)
  }
  return {
    kind: 'delta',
    epoch: header(deltaHeaders.epoch),
    revision: Number(header(deltaHeaders.revision)),
    ...(cursor === '' ? {} : { cursor }),
    wrappedKeys: header(deltaHeaders.wrappedKeys)
      .split(',')
      .map((key) => key.trim()),
    chunks,
  }
}

async function readJson(answer: Dispatcher.ResponseData, maxBytes = maxJsonBytes): Promise<unknown> {
  const declared = Number(answer.headers['content-length'] ?? 0)
  if (declared > maxBytes) throw new InternalApiUnavailable('the answer is larger than it may be')
  return answer.body.json()
}

/** Codes and our own words only: an address in a log is fine, a token never gets into these. */
function describe(error: unknown): string {
  return error instanceof Error
    ? `config-service is not available: ${error.message}`
    : 'config-service is not available'
}
