import type { UsageReader } from './channel.ts'
import { unknownUsage } from './usage-dialect.ts'

/** For bodies that are neither JSON nor events (audio, images, HTML): usage is unknown, the first byte is content. */
export function createOpaqueUsageReader(): UsageReader {
  let hasContent = false
  return {
    push(chunk) {
      hasContent ||= chunk.length > 0
    },
    usage: () => unknownUsage,
    hasContent: () => hasContent,
    streamError: () => null,
  }
}
