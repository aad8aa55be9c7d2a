import type { TokenUsage } from '@gpt-load/contracts/log-event'
import { countOf, listOf, objectOf, textOf } from './json-value.ts'
import type { JsonObject } from './json-value.ts'
import { defineUsageDialect } from './usage-dialect.ts'
import type { StreamError } from './usage-dialect.ts'

/**
 * Usage of the OpenAI APIs: chat and completions (`prompt_tokens`), responses, images and transcriptions
 * (`input_tokens`), embeddings (no output). `input` holds the cached tokens too and `output` the reasoning, as OpenAI
 * counts them.
 */
export const openaiUsage = defineUsageDialect({
  memberPaths: [['type'], ['usage'], ['error'], ['code'], ['message'], ['response', 'usage'], ['response', 'error']],
  contentMembers: ['choices', 'output', 'data', 'text'],
  usageOf(event) {
    const usage = objectOf(event['usage']) ?? objectOf(objectOf(event['response'])?.['usage'])
    return usage === null ? null : countsOf(usage)
  },
  hasContent: (event) => hasChoiceContent(event) || hasResponseContent(event),
  errorOf(event) {
    const error = event['error'] ?? objectOf(event['response'])?.['error']
    if (typeof error === 'string' && error !== '') return { code: '', message: error }
    return errorFrom(objectOf(error)) ?? (event['type'] === 'error' ? errorFrom(event) : null)
  },
})

function countsOf(usage: JsonObject): TokenUsage {
  const inputDetails = objectOf(usage['prompt_tokens_details']) ?? objectOf(usage['input_tokens_details'])
  const outputDetails = objectOf(usage['completion_tokens_details']) ?? objectOf(usage['output_tokens_details'])
  const input = firstCount(usage['prompt_tokens'], usage['input_tokens'])
  const output = firstCount(usage['completion_tokens'], usage['output_tokens'])
  const total = countOf(usage['total_tokens'])
  return {
    input,
    // Embeddings name no output, only a total.
    output: output === -1 && total >= input && input !== -1 ? total - input : output,
    // DeepSeek names its cache hits beside the OpenAI members.
    cached: firstCount(inputDetails?.['cached_tokens'], usage['prompt_cache_hit_tokens']),
    reasoning: countOf(outputDetails?.['reasoning_tokens']),
  }
}

function firstCount(...values: readonly unknown[]): number {
  for (const value of values) if (countOf(value) !== -1) return countOf(value)
  return -1
}

function errorFrom(error: JsonObject | null): StreamError | null {
  if (error === null) return null
  const code = textOf(error['code']) || textOf(error['type'])
  const message = textOf(error['message'])
  return code === '' && message === '' ? null : { code, message }
}

const contentOfDelta = ['content', 'reasoning_content', 'reasoning', 'refusal', 'audio', 'tool_calls', 'function_call']

function hasChoiceContent(event: JsonObject): boolean {
  return listOf(event['choices']).some((value) => {
    const choice = objectOf(value)
    if (choice === null) return false
    const delta = objectOf(choice['delta']) ?? objectOf(choice['message'])
    return isFilled(choice['text']) || (delta !== null && contentOfDelta.some((name) => isFilled(delta[name])))
  })
}

/** Responses, images and transcriptions name their pieces `….delta` or `….partial_image`. */
function hasResponseContent(event: JsonObject): boolean {
  const type = textOf(event['type'])
  return (type.endsWith('.delta') && isFilled(event['delta'])) || type.endsWith('.partial_image')
}

function isFilled(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0
  return value !== undefined && value !== null && value !== ''
}
