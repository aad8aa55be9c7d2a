// OpenAI's chat completions and legacy completions, whole and streamed (API reference, "Chat" and "Completions").

import { jsonAnswer, newId, nowSeconds, streamAnswer } from './answer.ts'
import type { ProviderAnswer, TokenUsage } from './answer.ts'
import { streamErrorBody } from './provider-error.ts'
import type { ErrorStyle } from './provider-error.ts'
import type { ProviderRequest } from './provider-request.ts'
import type { Reply } from './reply.ts'
import { splitText } from './reply.ts'
import { dataFrame, doneFrame } from './stream-framing.ts'

type Base = { id: string; object: string; created: number; model: string; system_fingerprint: string }

export function answerChat(request: ProviderRequest, style: ErrorStyle): ProviderAnswer {
  const { reply } = request
  const base = newBase(request, 'chatcmpl-', 'chat.completion')
  const calls = hasToolTurn(request) ? reply.toolCalls.map(chatToolCall) : []
  if (request.json?.['stream'] === true) return streamChat(request, base, calls, style)
  const message = { role: 'assistant', content: calls.length > 0 ? null : reply.text, refusal: null, annotations: [] }
  const choice = {
    index: 0,
    message: calls.length > 0 ? { ...message, tool_calls: calls } : message,
    logprobs: null,
    finish_reason: calls.length > 0 ? 'tool_calls' : 'stop',
  }
  const body = { ...base, choices: [choice], usage: openAiUsage(reply.usage), service_tier: 'default' }
  return { ...jsonAnswer(200, body), usage: reply.usage }
}

export function answerCompletion(request: ProviderRequest, style: ErrorStyle): ProviderAnswer {
  const { reply, pace } = request
  const base = newBase(request, 'cmpl-', 'text_completion')
  const choice = (text: string, reason: string | null) => ({ text, index: 0, logprobs: null, finish_reason: reason })
  if (request.json?.['stream'] !== true) {
    const body = { ...base, choices: [choice(reply.text, 'stop')], usage: openAiUsage(reply.usage) }
    return { ...jsonAnswer(200, body), usage: reply.usage }
  }
  const pieces = splitText(reply.text, pace.chunks)
  const events = pieces.map((text, index) => ({
    ...base,
    choices: [choice(text, index + 1 < pieces.length ? null : 'stop')],
  }))
  return finishStream(request, base, events, style)
}

function streamChat(request: ProviderRequest, base: Base, calls: ChatToolCall[], style: ErrorStyle): ProviderAnswer {
  const chunkBase = { ...base, object: 'chat.completion.chunk', service_tier: 'default' }
  const event = (delta: object, reason: string | null = null) => ({
    ...chunkBase,
    choices: [{ index: 0, delta, logprobs: null, finish_reason: reason }],
  })
  const pieces =
    calls.length > 0
      ? calls.flatMap(toolDeltas)
      : splitText(request.reply.text, request.pace.chunks).map((content) => ({ content }))
  const first = { role: 'assistant', content: calls.length > 0 ? null : '', refusal: null }
  const reason = calls.length > 0 ? 'tool_calls' : 'stop'
  const events = [event(first), ...pieces.map((delta) => event(delta)), event({}, reason)]
  return finishStream(request, chunkBase, events, style)
}

/** Usage comes only when it is asked for: null in every event, then an event without choices. */
function finishStream(request: ProviderRequest, base: Base, events: object[], style: ErrorStyle): ProviderAnswer {
  const options = request.json?.['stream_options'] as { include_usage?: boolean } | undefined
  const withUsage = options?.include_usage
    ? [
        ...events.map((event) => ({ ...event, usage: null })),
        { ...base, choices: [], usage: openAiUsage(request.reply.usage) },
      ]
    : events
  const frames = [...withUsage.map((event) => dataFrame(JSON.stringify(event))), doneFrame()]
  const answer = streamAnswer('text/event-stream; charset=utf-8', frames, (kind) =>
    dataFrame(JSON.stringify(streamErrorBody(style, kind))),
  )
  return { ...answer, usage: request.reply.usage }
}

function newBase(request: ProviderRequest, idPrefix: string, object: string): Base {
  const model = request.model ?? 'unknown'
  return { id: newId(idPrefix), object, created: nowSeconds(), model, system_fingerprint: 'fp_fake000001' }
}

export function openAiUsage(usage: TokenUsage): Record<string, unknown> {
  return {
    prompt_tokens: usage.promptTokens,
    completion_tokens: usage.completionTokens,
    total_tokens: usage.promptTokens + usage.completionTokens,
    prompt_tokens_details: { cached_tokens: usage.cachedTokens, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: usage.reasoningTokens,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  }
}

type ChatToolCall = { id: string; type: 'function'; function: { name: string; arguments: string } }

function chatToolCall(call: Reply['toolCalls'][number]): ChatToolCall {
  return {
    id: newId('call_'),
    type: 'function',
    function: { name: call.name, arguments: JSON.stringify(call.arguments) },
  }
}

/** The name comes first with empty arguments, then the arguments in pieces that are no JSON by themselves. */
function toolDeltas(call: ChatToolCall, index: number): object[] {
  const pieces = splitText(call.function.arguments, 4)
  const first = { index, id: call.id, type: call.type, function: { name: call.function.name, arguments: '' } }
  const rest = pieces.map((text) => ({ index, function: { arguments: text } }))
  return [first, ...rest].map((delta) => ({ tool_calls: [delta] }))
}

function hasToolTurn({ json }: ProviderRequest): boolean {
  const tools = json?.['tools']
  const messages = json?.['messages']
  const last = Array.isArray(messages) ? (messages.at(-1) as { role?: string } | undefined) : undefined
  return Array.isArray(tools) && tools.length > 0 && last?.role !== 'tool'
}
