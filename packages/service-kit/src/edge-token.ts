import { envParsed, listItems, type EnvironmentVariable } from './environment-variables.ts'
import { accepted, refused, type ParseResult } from './parse-result.ts'

/**
 * EDGE_TOKEN: what edges and config-service know each other by, and what seals snapshots. Two are accepted while it is
 * being changed: config-service takes and seals under both, an edge sends the first.
 */
const minBytes = 32
const maxTokens = 2
const advice = 'make one with: openssl rand -hex 32'

export function edgeTokenVariable(): EnvironmentVariable<readonly string[]> {
  return envParsed(parseEdgeTokens, {
    isSecret: true,
    description: 'Secret that edges and config-service share, 32 bytes or more; two between commas while it is changed',
    missingAdvice: `use the same for every edge and config-service; ${advice}`,
  })
}

export function parseEdgeTokens(text: string): ParseResult<readonly string[]> {
  const tokens = listItems(text)
  if (tokens.length === 0) return refused('holds no token', advice)
  if (tokens.length > maxTokens) return refused(`holds more than ${maxTokens} tokens`, 'keep the new and the old one')
  const isShort = tokens.some((token) => Buffer.byteLength(token) < minBytes)
  return isShort ? refused(`is shorter than ${minBytes} bytes`, advice) : accepted(tokens)
}
