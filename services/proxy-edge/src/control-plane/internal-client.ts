import { baseManifestSchema, deltaHeaders } from '@gpt-load/contracts/snapshot'
import { edgeReportAnswerSchema } from '@gpt-load/contracts/edge-report'
import { keyEventAckSchema } from '@gpt-load/contracts/key-event'
import { resourceAnswerSchema } from '@gpt-load/contracts/resource-key'
import { splitChunks } from '@gpt-load/transport/chunk-splitter'
import { InternalApiUnavailable } from '@gpt-load/transport/internal-api'
import type { DeltaAnswer, DeltaRequest, InternalApi } from '@gpt-load/transport/internal-api'
import { HttpCaller, type HttpAnswer } from './http-caller.ts'

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
  close(): void
}

export function createInternalClient({ urls, edgeTokens }: InternalClientOptions): InternalClient {
  const caller = new HttpCaller({ connectTimeoutMs, pieceTimeoutMs, keepAliveMs: 30_000 })
  const authorization = `Bearer ${edgeTokens[0] ?? ''}`
  let current = 0

  async function call(path: string, options: CallOptions = {}): Promise<HttpAnswer> {
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

  async function callOne(url: string, path: string, options: CallOptions): Promise<HttpAnswer> {
    const { body, headers = {}, timeoutMs = answerTimeoutMs, signal } = options
    const answer = await caller.send(new URL(path, url), {
      method: body === undefined ? 'GET' : 'POST',
      answerTimeoutMs: timeoutMs,
      headers: { authorization, ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    })
    const { status } = answer
    if (status < 500 && status !== 401 && status !== 403 && status !== 429) return answer
    await answer.drop(maxJsonBytes)
    if (status === 401 || status === 403) throw new Error('config-service refuses this EDGE_TOKEN')
    throw new Error(`config-service answered ${status}`)
  }

  return {
    async manifest() {
      const answer = await call('/internal/base')
      if (answer.status === 200) return baseManifestSchema.parse(await answer.json(maxJsonBytes))
      await answer.drop(maxJsonBytes)
      return null
    },
    async base({ epoch, revision, fromByte = 0 }, signal) {
      const headers: Record<string, string> = fromByte > 0 ? { range: `bytes=${fromByte}-` } : {}
      const answer = await call(`/internal/base/${epoch}/${revision}`, {
        headers,
        ...(signal === undefined ? {} : { signal }),
      })
      const expected = fromByte > 0 ? 206 : 200
      if (answer.status === expected) return answer.pieces()
      await answer.drop(maxJsonBytes)
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
      const body = (await answer.json(maxJsonBytes)) as Record<string, unknown>
      if (answer.status === 200) return { kind: 'ack', ack: keyEventAckSchema.parse(body['ack'] ?? body) }
      if (answer.status === 409) return { kind: 'other_epoch', epoch: String(body['epoch']) }
      throw new InternalApiUnavailable(`key events were refused with ${answer.status}`)
    },
    async storeResources(post) {
      const answer = await call('/internal/resource-keys', { body: post })
      await answer.drop(maxJsonBytes)
      if (answer.status === 204 || answer.status === 409) return answer.status === 204
      throw new InternalApiUnavailable(`resources were refused with ${answer.status}`)
    },
    async resources({ epoch, after }) {
      const query = new URLSearchParams({ epoch, ...(after === undefined ? {} : { after: String(after) }) })
      const answer = await call(`/internal/resource-keys?${query}`)
      if (answer.status === 200) return resourceAnswerSchema.parse(await answer.json(maxResourceBytes))
      await answer.drop(maxJsonBytes)
      if (answer.status === 409) return null
      throw new InternalApiUnavailable(`resources were not answered: ${answer.status}`)
    },
    async report(report) {
      const answer = await call('/internal/reports', { body: report })
      if (answer.status === 200) return edgeReportAnswerSchema.parse(await answer.json(maxJsonBytes))
      await answer.drop(maxJsonBytes)
      throw new InternalApiUnavailable(`the report was refused with ${answer.status}`)
    },
    async explain(post) {
      const answer = await call('/internal/explanations', { body: post })
      await answer.drop(maxJsonBytes)
      if (answer.status !== 204) throw new InternalApiUnavailable(`the answer was refused: ${answer.status}`)
    },
    close: () => caller.close(),
  }
}

type CallOptions = { body?: unknown; headers?: Record<string, string>; timeoutMs?: number; signal?: AbortSignal }

function deltaPath({ epoch, since, cursor, waitMs }: DeltaRequest): string {
  const query = new URLSearchParams({ epoch, since: String(since) })
  if (cursor !== undefined) query.set('cursor', cursor)
  if (waitMs !== undefined) query.set('wait', String(Math.floor(waitMs / 1000)))
  return `/internal/delta?${query}`
}

async function readDelta(answer: HttpAnswer): Promise<DeltaAnswer> {
  if (answer.status !== 200) {
    await answer.drop(maxJsonBytes)
    if (answer.status === 204) return { kind: 'unchanged' }
    if (answer.status === 409) return { kind: 'base_required' }
    throw new InternalApiUnavailable(`the delta was refused with ${answer.status}`)
  }
  const header = (name: string) => String(answer.headers[name] ?? '')
  const cursor = header(deltaHeaders.cursor)
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of splitChunks(answer.pieces())) {
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

/** Codes and our own words only: an address in a log is fine, a token never gets into these. */
function describe(error: unknown): string {
  return error instanceof Error
    ? `config-service is not available: ${error.message}`
    : 'config-service is not available'
}
