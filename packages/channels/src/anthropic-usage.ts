import { countOf, objectOf, textOf } from './json-value.ts'
import { defineUsageDialect } from './usage-dialect.ts'

/**
 * Usage of the Anthropic API. Its `input_tokens` leave out what the cache read or wrote; ours hold both, as every other
 * channel counts them. Thinking is part of the output and not told apart. `message_delta` repeats totals, and they
 * replace those of `message_start`.
 */
export const anthropicUsage = defineUsageDialect({
  memberPaths: [['type'], ['usage'], ['error'], ['message', 'usage']],
  contentMembers: ['content', 'completion'],
  usageOf(event) {
    const usage = objectOf(event['usage']) ?? objectOf(objectOf(event['message'])?.['usage'])
    if (usage === null) return null
    const fresh = countOf(usage['input_tokens'])
    const read = countOf(usage['cache_read_input_tokens'])
    const written = countOf(usage['cache_creation_input_tokens'])
    const input = fresh === -1 ? -1 : fresh + Math.max(read, 0) + Math.max(written, 0)
    return { input, output: countOf(usage['output_tokens']), cached: read, reasoning: -1 }
  },
  hasContent(event) {
    if (event['type'] === 'content_block_delta') return hasDelta(event['delta'])
    // A tool call has a name before it has a delta; text and thinking begin empty.
    const block = event['type'] === 'content_block_start' ? objectOf(event['content_block']) : null
    return block !== null && block['type'] !== 'text' && block['type'] !== 'thinking'
  },
  errorOf(event) {
    const error = objectOf(event['error'])
    return error === null ? null : { code: textOf(error['type']), message: textOf(error['message']) }
  },
})

function hasDelta(value: unknown): boolean {
  const delta = objectOf(value)
  return delta !== null && ['text', 'partial_json', 'thinking'].some((name) => textOf(delta[name]) !== '')
}
