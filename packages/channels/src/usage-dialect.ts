import type { TokenUsage } from '@gpt-load/contracts/log-event'
import { compileJsonPaths } from './json-path-scanner.ts'
import type { JsonPaths } from './json-path-scanner.ts'
import type { JsonObject } from './json-value.ts'

/**
 * Where one provider family keeps usage, generated content and errors in its response events. An *event* is one JSON
 * object: the payload of a stream event, an element of a streamed array, or a whole body.
 */
export type StreamError = { code: string; message: string }

export type UsageRules = {
  /** Members worth keeping of an event that is too long to parse: of each at most `maxMemberBytes`. */
  memberPaths: readonly (readonly string[])[]
  /** Top-level members of a body that hold what the model generated. */
  contentMembers: readonly string[]
  /** Counts of the event's usage; null = it has none. -1 = the provider did not say. */
  usageOf(event: JsonObject): TokenUsage | null
  hasContent(event: JsonObject): boolean
  errorOf(event: JsonObject): StreamError | null
}

/** Usage and error objects are a few hundred bytes at every provider; 16 KiB leaves room for long error messages. */
export const maxMemberBytes = 16_384

export const unknownUsage: TokenUsage = Object.freeze({ input: -1, output: -1, cached: -1, reasoning: -1 })

export type UsageDialect = UsageRules & { paths: JsonPaths }

/** Captures: the member paths first, then the content members. */
export function defineUsageDialect(rules: UsageRules): UsageDialect {
  const members = rules.memberPaths.map((path) => ({ path, maxBytes: maxMemberBytes }))
  const content = rules.contentMembers.map((name) => ({ path: [name], maxBytes: 0 }))
  return { ...rules, paths: compileJsonPaths([...members, ...content]) }
}
