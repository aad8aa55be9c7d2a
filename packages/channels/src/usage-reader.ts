import type { UsageReader } from './channel.ts'
import { JsonUsageReader } from './json-usage-reader.ts'
import { createOpaqueUsageReader } from './opaque-usage-reader.ts'
import { SseUsageReader } from './sse-usage-reader.ts'
import type { UsageDialect } from './usage-dialect.ts'

/** Chooses by what the response says it is; only where it says nothing, by what the request asked for. */
export function createUsageReader(
  dialect: UsageDialect,
  { contentType, isStream }: { contentType: string; isStream: boolean },
): UsageReader {
  const type = contentType.toLowerCase()
  if (type.includes('event-stream') || (type === '' && isStream)) return new SseUsageReader(dialect)
  if (type === '' || type.includes('json')) return new JsonUsageReader(dialect)
  return createOpaqueUsageReader()
}
