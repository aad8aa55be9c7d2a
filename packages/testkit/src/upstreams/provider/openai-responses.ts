// OpenAI's Responses: create (whole and streamed), get, delete, cancel, input items (API reference, "Responses").

import { jsonAnswer, newId, nowSeconds, streamAnswer } from './answer.ts'
import type { ProviderAnswer, TokenUsage } from './answer.ts'
import { providerError, streamErrorBody } from './provider-error.ts'
import type { ErrorStyle } from './provider-error.ts'
import type { ProviderRequest } from './provider-request.ts'
import { splitText } from './reply.ts'
import { eventFrame } from './stream-framing.ts'

type ResponseObject = Record<string, unknown> & { id: string }
type OutputItem = Record<string, unknown> & { id: string; type: string }

const KIND = 'response'

export function createResponse(request: ProviderRequest, style: ErrorStyle): ProviderAnswer {
  const { json, reply, resources, key } = request
  const previous = json?.['previous_response_id']
  if (typeof previous === 'string' && !resources.get(KIND, key, previous)) {
    const message = `Previous response with id '${previous}' not found.`
    return providerError(style, 'bad-request', { message, param: 'previous_response_id' })
  }
  const items = hasToolTurn(request) ? reply.toolCalls.map(callItem) : [messageItem(reply.text)]
  const response = { ...newResponse(request), ...completed(items, reply.usage) }
  if (json?.['store'] !== false) resources.put(KIND, key, { id: response.id, value: response, input: json?.['input'] })
  const answer = json?.['stream'] === true ? streamResponse(request, response, items, style) : jsonAnswer(200, response)
  return { ...answer, usage: reply.usage }
}

export function getResponse(request: ProviderRequest, style: ErrorStyle, id: string): ProviderAnswer {
  const found = request.resources.get(KIND, request.key, id)
  return found ? jsonAnswer(200, found.value) : missing(style, id)
}

export function deleteResponse(request: ProviderRequest, style: ErrorStyle, id: string): ProviderAnswer {
  if (!request.resources.remove(KIND, request.key, id)) return missing(style, id)
  return jsonAnswer(200, { id, object: 'response', deleted: true })
}

export function cancelResponse(request: ProviderRequest, style: ErrorStyle, id: string): ProviderAnswer {
  const found = request.resources.get(KIND, request.key, id)
  return found ? jsonAnswer(200, { ...found.value, status: 'cancelled' }) : missing(style, id)
}

export function listInputItems(request: ProviderRequest, style: ErrorStyle, id: string): ProviderAnswer {
  const found = request.resources.get(KIND, request.key, id)
  if (!found) return missing(style, id)
  const content = [{ type: 'input_text', text: JSON.stringify(found.input ?? '') }]
  const data = [{ id: newId('msg_'), type: 'message', role: 'user', content }]
  return jsonAnswer(200, { object: 'list', data, first_id: data[0]?.id, last_id: data[0]?.id, has_more: false })
}

function missing(style: ErrorStyle, id: string): ProviderAnswer {
  return providerError(style, 'not-found', { message: `Response with id '${id}' not found.` })
}

function newResponse({ json, model }: ProviderRequest): ResponseObject {
  return {
    id: newId('resp_', 24),
    object: 'response',
    created_at: nowSeconds(),
    status: 'in_progress',
    background: false,
    error: null,
    incomplete_details: null,
    instructions: json?.['instructions'] ?? null,
    max_output_tokens: json?.['max_output_tokens'] ?? null,
    model,
    output: [],
    parallel_tool_calls: true,
    previous_response_id: json?.['previous_response_id'] ?? null,
    reasoning: { effort: null, summary: null },
    service_tier: 'default',
    store: json?.['store'] ?? true,
    temperature: 1,
    text: { format: { type: 'text' } },
    tool_choice: json?.['tool_choice'] ?? 'auto',
    tools: json?.['tools'] ?? [],
    top_p: 1,
    truncation: 'disabled',
    usage: null,
    user: null,
    metadata: json?.['metadata'] ?? {},
  }
}

function completed(output: OutputItem[], usage: TokenUsage) {
  return { status: 'completed', output, usage: responseUsage(usage) }
}

function responseUsage(usage: TokenUsage) {
  return {
    input_tokens: usage.promptTokens,
    input_tokens_details: { cached_tokens: usage.cachedTokens },
    output_tokens: usage.completionTokens,
    output_tokens_details: { reasoning_tokens: usage.reasoningTokens },
    total_tokens: usage.promptTokens + usage.completionTokens,
  }
}

function messageItem(text: string): OutputItem {
  const content = [{ type: 'output_text', annotations: [], logprobs: [], text }]
  return { id: newId('msg_'), type: 'message', status: 'completed', role: 'assistant', content }
}

function callItem(call: { name: string; arguments: object }): OutputItem {
  const text = JSON.stringify(call.arguments)
  return {
    id: newId('fc_'),
    type: 'function_call',
    status: 'completed',
    call_id: newId('call_'),
    name: call.name,
    arguments: text,
  }
}

function streamResponse(
  request: ProviderRequest,
  response: ResponseObject,
  items: OutputItem[],
  style: ErrorStyle,
): ProviderAnswer {
  const started = { ...response, status: 'in_progress', output: [], usage: null }
  const events: EventPayload[] = [
    { type: 'response.created', response: started },
    { type: 'response.in_progress', response: started },
    ...items.flatMap((item, index) =>
      item.type === 'message' ? messageEvents(item, index, request) : callEvents(item, index),
    ),
    { type: 'response.completed', response },
  ]
  const frames = events.map(({ type, ...rest }, index) => frame(type, { sequence_number: index, ...rest }))
  return streamAnswer('text/event-stream; charset=utf-8', frames, (kind) => {
    const { error } = streamErrorBody(style, kind) as {
      error: { code?: string | null; type?: string; message: string }
    }
    return frame('error', { code: error.code ?? error.type, message: error.message, param: null })
  })
}

type EventPayload = Record<string, unknown> & { type: string }

function frame(type: string, rest: object): Buffer {
  return eventFrame(type, JSON.stringify({ type, ...rest }))
}

function messageEvents(item: OutputItem, index: number, { reply, pace }: ProviderRequest): EventPayload[] {
  const place = { item_id: item.id, output_index: index, content_index: 0 }
  const part = { type: 'output_text', annotations: [], logprobs: [], text: '' }
  const deltas = splitText(reply.text, pace.chunks).map((delta) => ({
    type: 'response.output_text.delta',
    ...place,
    delta,
    logprobs: [],
  }))
  return [
    { type: 'response.output_item.added', output_index: index, item: { ...item, status: 'in_progress', content: [] } },
    { type: 'response.content_part.added', ...place, part },
    ...deltas,
    { type: 'response.output_text.done', ...place, text: reply.text, logprobs: [] },
    { type: 'response.content_part.done', ...place, part: { ...part, text: reply.text } },
    { type: 'response.output_item.done', output_index: index, item },
  ]
}

function callEvents(item: OutputItem, index: number): EventPayload[] {
  const place = { item_id: item.id, output_index: index }
  const text = String(item['arguments'])
  const deltas = splitText(text, 4).map((delta) => ({
    type: 'response.function_call_arguments.delta',
    ...place,
    delta,
  }))
  return [
    {
      type: 'response.output_item.added',
      output_index: index,
      item: { ...item, status: 'in_progress', arguments: '' },
    },
    ...deltas,
    { type: 'response.function_call_arguments.done', ...place, arguments: text },
    { type: 'response.output_item.done', output_index: index, item },
  ]
}

function hasToolTurn({ json, reply }: ProviderRequest): boolean {
  const tools = json?.['tools']
  const input = json?.['input']
  const last = Array.isArray(input) ? (input.at(-1) as { type?: string } | undefined) : undefined
  return reply.toolCalls.length > 0 && Array.isArray(tools) && tools.length > 0 && last?.type !== 'function_call_output'
}
