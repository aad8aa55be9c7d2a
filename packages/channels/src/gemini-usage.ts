import type { TokenUsage } from '@gpt-load/contracts/log-event'
import { countOf, listOf, objectOf, textOf } from './json-value.ts'
import type { JsonObject } from './json-value.ts'
import { openaiUsage } from './openai-usage.ts'
import { defineUsageDialect } from './usage-dialect.ts'

/**
 * Usage of the Gemini API. Candidates and thoughts are counted apart there; ours put both into `output`, as every other
 * channel does. Its OpenAI-compatible paths answer in OpenAI's shape, which is read as such.
 */
export const geminiUsage = defineUsageDialect({
  memberPaths: [...openaiUsage.memberPaths, ['usageMetadata']],
  contentMembers: [...openaiUsage.contentMembers, 'candidates', 'embedding', 'embeddings', 'predictions'],
  usageOf(event) {
    const usage = objectOf(event['usageMetadata'])
    return usage === null ? openaiUsage.usageOf(event) : countsOf(usage)
  },
  hasContent: (event) => listOf(event['candidates']).some(hasParts) || openaiUsage.hasContent(event),
  errorOf(event) {
    const error = objectOf(event['error'])
    const status = textOf(error?.['status'])
    return status === '' ? openaiUsage.errorOf(event) : { code: status, message: textOf(error?.['message']) }
  },
})

function countsOf(usage: JsonObject): TokenUsage {
  const thoughts = countOf(usage['thoughtsTokenCount'])
  const input = countOf(usage['promptTokenCount'])
  const tools = countOf(usage['toolUsePromptTokenCount'])
  const output = countOf(usage['candidatesTokenCount'])
  return {
    input: input === -1 ? -1 : input + Math.max(tools, 0),
    output: output === -1 && thoughts === -1 ? -1 : Math.max(output, 0) + Math.max(thoughts, 0),
    cached: countOf(usage['cachedContentTokenCount']),
    reasoning: thoughts,
  }
}

/** A part is content unless it is an empty text. */
function hasParts(candidate: unknown): boolean {
  const content = objectOf(objectOf(candidate)?.['content'])
  return listOf(content?.['parts']).some((value) => {
    const part = objectOf(value)
    if (part === null) return false
    return Object.entries(part).some(([name, held]) =>
      name === 'text' ? held !== '' : name !== 'thought' && name !== 'thoughtSignature',
    )
  })
}
