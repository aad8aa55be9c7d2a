// Anthropic's messages (whole and streamed), token counting, models and files (API reference, "Messages", "Models",
// "Files"). Input tokens that came from the cache are counted beside input_tokens, not in it.

import { bytesAnswer, jsonAnswer, newId, streamAnswer } from './answer.ts'
import type { ProviderAnswer, TokenUsage } from './answer.ts'
import { readMultipart } from './multipart.ts'
import { providerError, streamErrorBody } from './provider-error.ts'
import type { ProviderRequest } from './provider-request.ts'
import { splitText } from './reply.ts'
import { eventFrame } from './stream-framing.ts'

type ContentBlock = { type: 'text'; text: string } | { type: 'tool_use'; id: string; name: string; input: object }

export function answerMessages(request: ProviderRequest): ProviderAnswer {
  const { json, reply, model } = request
  if (typeof json?.['max_tokens'] !== 'number') {
    return providerError('anthropic', 'bad-request', { message: 'max_tokens: Field required' })
  }
  const blocks = contentBlocks(request)
  const isToolUse = blocks.some((block) => block.type === 'tool_use')
  const message = {
    id: newId('msg_01'),
    type: 'message',
    role: 'assistant',
    model,
    content: blocks,
    stop_reason: isToolUse ? 'tool_use' : 'end_turn',
    stop_sequence: null,
    usage: { ...anthropicUsage(reply.usage), output_tokens: reply.usage.completionTokens, service_tier: 'standard' },
  }
  if (json['stream'] !== true) return { ...jsonAnswer(200, message, rateLimitHeaders(), 0), usage: reply.usage }
  const answer = streamMessage(request, message)
  return { ...answer, headers: [...answer.headers, ...Object.entries(rateLimitHeaders())], usage: reply.usage }
}

export function countTokens({ reply }: ProviderRequest): ProviderAnswer {
  return jsonAnswer(200, { input_tokens: reply.usage.promptTokens }, {}, 0)
}

function contentBlocks({ json, reply }: ProviderRequest): ContentBlock[] {
  const tools = json?.['tools']
  const isToolTurn = reply.toolCalls.length > 0 && Array.isArray(tools) && tools.length > 0 && !endsWithToolResult(json)
  if (!isToolTurn) return [{ type: 'text', text: reply.text }]
  return reply.toolCalls.map((call) => ({
    type: 'tool_use',
    id: newId('toolu_01'),
    name: call.name,
    input: call.arguments,
  }))
}

function endsWithToolResult(json: Record<string, unknown> | undefined): boolean {
  const messages = json?.['messages'] as { content?: unknown }[] | undefined
  const content = messages?.at(-1)?.content
  return Array.isArray(content) && content.some((block: { type?: string }) => block.type === 'tool_result')
}

function anthropicUsage(usage: TokenUsage) {
  return {
    input_tokens: usage.promptTokens - usage.cachedTokens,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: usage.cachedTokens,
    cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 },
  }
}

type Message = Record<string, unknown> & { content: ContentBlock[]; stop_reason: string }

function streamMessage({ reply, pace }: ProviderRequest, message: Message): ProviderAnswer {
  const usage = anthropicUsage(reply.usage)
  const start = {
    ...message,
    content: [],
    stop_reason: null,
    usage: { ...usage, output_tokens: 1, service_tier: 'standard' },
  }
  const events: EventPayload[] = [
    { type: 'message_start', message: start },
    ...message.content.flatMap((block, index) => blockEvents(block, index, pace.chunks)),
    {
      type: 'message_delta',
      delta: { stop_reason: message.stop_reason, stop_sequence: null },
      usage: { ...usage, output_tokens: reply.usage.completionTokens },
    },
    { type: 'message_stop' },
  ]
  // The ping stands behind the first block's start.
  events.splice(2, 0, { type: 'ping' })
  return streamAnswer('text/event-stream; charset=utf-8', events.map(frame), (kind) =>
    frame({ ...streamErrorBody('anthropic', kind), type: 'error' }),
  )
}

type EventPayload = Record<string, unknown> & { type: string }

function frame(event: EventPayload): Buffer {
  return eventFrame(event.type, JSON.stringify(event))
}

function blockEvents(block: ContentBlock, index: number, chunks: number): EventPayload[] {
  const isText = block.type === 'text'
  const deltas = isText
    ? splitText(block.text, chunks).map((text) => ({ type: 'text_delta', text }))
    : ['', ...splitText(JSON.stringify(block.input), 4)].map((text) => ({
        type: 'input_json_delta',
        partial_json: text,
      }))
  return [
    {
      type: 'content_block_start',
      index,
      content_block: isText ? { type: 'text', text: '' } : { ...block, input: {} },
    },
    ...deltas.map((delta) => ({ type: 'content_block_delta', index, delta })),
    { type: 'content_block_stop', index },
  ]
}

function rateLimitHeaders(): Record<string, string> {
  return {
    'request-id': newId('req_01'),
    'anthropic-organization-id': '00000000-0000-4000-8000-000000000000',
    'anthropic-ratelimit-requests-limit': '4000',
    'anthropic-ratelimit-requests-remaining': '3999',
    'anthropic-ratelimit-requests-reset': new Date().toISOString().replace(/\.\d+Z/, 'Z'),
  }
}

const MODELS = ['claude-sonnet-4-5-20250929', 'claude-haiku-4-5-20251001']

export function listAnthropicModels(): ProviderAnswer {
  const data = MODELS.map(modelObject)
  return jsonAnswer(200, { data, has_more: false, first_id: MODELS[0], last_id: MODELS.at(-1) }, {}, 0)
}

export function getAnthropicModel(id: string): ProviderAnswer {
  return MODELS.includes(id)
    ? jsonAnswer(200, modelObject(id), {}, 0)
    : providerError('anthropic', 'model-not-found', { model: id })
}

function modelObject(id: string) {
  return { type: 'model', id, display_name: id.replaceAll('-', ' '), created_at: '2025-09-29T00:00:00Z' }
}

const FILE = 'file'

export function uploadAnthropicFile({ body, header, resources, key }: ProviderRequest): ProviderAnswer {
  const file = readMultipart(header('content-type') ?? '', body)?.find((part) => part.name === 'file')
  if (!file) return providerError('anthropic', 'bad-request', { message: 'file: Field required' })
  const value = {
    type: 'file',
    id: newId('file_01'),
    filename: file.filename ?? 'file',
    mime_type: 'application/octet-stream',
    size_bytes: file.content.length,
    created_at: new Date().toISOString(),
    downloadable: true,
  }
  resources.put(FILE, key, { id: value.id, value, content: file.content })
  return jsonAnswer(200, value, {}, 0)
}

export function getAnthropicFile({ resources, key }: ProviderRequest, id: string, isContent: boolean): ProviderAnswer {
  const file = resources.get(FILE, key, id)
  if (!file) return providerError('anthropic', 'not-found', { message: `File not found: ${id}` })
  return isContent && file.content
    ? bytesAnswer(200, 'application/octet-stream', file.content)
    : jsonAnswer(200, file.value, {}, 0)
}

export function deleteAnthropicFile({ resources, key }: ProviderRequest, id: string): ProviderAnswer {
  if (!resources.remove(FILE, key, id))
    return providerError('anthropic', 'not-found', { message: `File not found: ${id}` })
  return jsonAnswer(200, { type: 'file_deleted', id }, {}, 0)
}
