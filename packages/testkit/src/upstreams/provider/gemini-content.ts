// Gemini's native surface: content (whole, as SSE, as a JSON array), tokens, embeddings, models (Gemini API reference).
// Thinking tokens are counted beside the candidates' tokens, not in them.

import { jsonAnswer, newId, streamAnswer } from './answer.ts'
import type { ProviderAnswer, TokenUsage } from './answer.ts'
import { providerError, streamErrorBody } from './provider-error.ts'
import type { ProviderRequest } from './provider-request.ts'
import { splitText } from './reply.ts'
import { geminiDataFrame, jsonArrayFrames } from './stream-framing.ts'

type Part = { text: string } | { functionCall: { name: string; args: object } }

export function generateContent(request: ProviderRequest): ProviderAnswer {
  const refusal = refuse(request)
  if (refusal) return refusal
  const body = { ...contentChunk(request, newId(''), contentParts(request), 'STOP') }
  return { ...jsonAnswer(200, body), usage: request.reply.usage }
}

export function streamGenerateContent(request: ProviderRequest): ProviderAnswer {
  const refusal = refuse(request)
  if (refusal) return refusal
  const id = newId('')
  const steps = streamSteps(request)
  const payloads = steps.map((parts, index) =>
    JSON.stringify(contentChunk(request, id, parts, index === steps.length - 1 ? 'STOP' : undefined)),
  )
  const error = (kind: Parameters<typeof streamErrorBody>[1]) => JSON.stringify(streamErrorBody('gemini', kind))
  const answer =
    request.query.get('alt') === 'sse'
      ? streamAnswer('text/event-stream', payloads.map(geminiDataFrame), (kind) => geminiDataFrame(error(kind)))
      : streamAnswer('application/json; charset=UTF-8', jsonArrayFrames(payloads), (kind) =>
          Buffer.from(`,\r\n${error(kind)}\n]\n`),
        )
  return { ...answer, usage: request.reply.usage }
}

function refuse({ json }: ProviderRequest): ProviderAnswer | undefined {
  if (Array.isArray(json?.['contents']) && json['contents'].length > 0) return undefined
  const message = '* GenerateContentRequest.contents: contents is not specified\n'
  return providerError('gemini', 'bad-request', { message })
}

function contentParts({ json, reply }: ProviderRequest): Part[] {
  const isToolTurn = reply.toolCalls.length > 0 && Array.isArray(json?.['tools']) && !endsWithToolResult(json)
  if (!isToolTurn) return [{ text: reply.text }]
  return reply.toolCalls.map(({ name, arguments: args }) => ({ functionCall: { name, args } }))
}

/** A call comes whole in one event; text comes in pieces. */
function streamSteps(request: ProviderRequest): Part[][] {
  const parts = contentParts(request)
  const [first] = parts
  if (!first || !('text' in first)) return [parts, [{ text: '' }]]
  return splitText(first.text, request.pace.chunks).map((text) => [{ text }])
}

function endsWithToolResult(json: Record<string, unknown> | undefined): boolean {
  const contents = json?.['contents'] as { parts?: unknown }[] | undefined
  const parts = contents?.at(-1)?.parts
  return Array.isArray(parts) && parts.some((part: object) => 'functionResponse' in part)
}

function contentChunk({ reply, model }: ProviderRequest, responseId: string, parts: Part[], finishReason?: string) {
  const candidate = { content: { parts, role: 'model' }, ...(finishReason && { finishReason }), index: 0 }
  return { candidates: [candidate], usageMetadata: geminiUsage(reply.usage), modelVersion: model, responseId }
}

function geminiUsage(usage: TokenUsage) {
  return {
    promptTokenCount: usage.promptTokens,
    candidatesTokenCount: usage.completionTokens - usage.reasoningTokens,
    totalTokenCount: usage.promptTokens + usage.completionTokens,
    ...(usage.cachedTokens > 0 && { cachedContentTokenCount: usage.cachedTokens }),
    promptTokensDetails: [{ modality: 'TEXT', tokenCount: usage.promptTokens }],
    ...(usage.reasoningTokens > 0 && { thoughtsTokenCount: usage.reasoningTokens }),
  }
}

export function countGeminiTokens({ reply }: ProviderRequest): ProviderAnswer {
  const totalTokens = reply.usage.promptTokens
  return jsonAnswer(200, { totalTokens, promptTokensDetails: [{ modality: 'TEXT', tokenCount: totalTokens }] })
}

export function embedContent(): ProviderAnswer {
  return jsonAnswer(200, { embedding: { values: vector(0) } })
}

export function batchEmbedContents({ json }: ProviderRequest): ProviderAnswer {
  const requests = Array.isArray(json?.['requests']) ? json['requests'] : []
  return jsonAnswer(200, { embeddings: requests.map((_, index) => ({ values: vector(index) })) })
}

function vector(seed: number): number[] {
  return Array.from({ length: 8 }, (_, index) => Math.sin(seed * 8 + index + 1))
}

const MODELS = ['gemini-2.5-flash', 'gemini-2.5-flash-lite', 'gemini-embedding-001']

export function listGeminiModels({ query }: ProviderRequest): ProviderAnswer {
  const size = Number(query.get('pageSize') ?? 50)
  const start = Number(query.get('pageToken') ?? 0)
  const models = MODELS.slice(start, start + size).map(modelObject)
  const next = start + size < MODELS.length ? { nextPageToken: String(start + size) } : {}
  return jsonAnswer(200, { models, ...next })
}

export function getGeminiModel(id: string): ProviderAnswer {
  return MODELS.includes(id)
    ? jsonAnswer(200, modelObject(id))
    : providerError('gemini', 'model-not-found', { model: id })
}

function modelObject(id: string) {
  return {
    name: `models/${id}`,
    version: '001',
    displayName: id,
    inputTokenLimit: 1_048_576,
    outputTokenLimit: 65_536,
    supportedGenerationMethods: ['generateContent', 'countTokens'],
  }
}
