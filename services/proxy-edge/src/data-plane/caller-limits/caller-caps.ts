import type { AccessKeyLimits } from '@gpt-load/contracts/access-key-limits'
import type { Settings } from '@gpt-load/contracts/settings'

/** Limits of an access key or a group, over all edges; 0 = none. */
export type CallerCaps = {
  readonly concurrent: number
  readonly requestsPerMinute: number
  readonly tokensPerMinute: number
}

/** null = no limit at all. */
export function compileAccessKeyCaps(record: {
  readonly [name in keyof AccessKeyLimits]?: number | undefined
}): CallerCaps | null {
  return capsOf(
    record.max_concurrent_requests ?? 0,
    record.max_requests_per_minute ?? 0,
    record.max_tokens_per_minute ?? 0,
  )
}

/** How many of a group are under way at once is bounded per edge, with a line to wait in (request-gate.ts). */
export function compileGroupCaps(settings: Settings): CallerCaps | null {
  return capsOf(0, settings.max_requests_per_minute, settings.max_tokens_per_minute)
}

function capsOf(concurrent: number, requestsPerMinute: number, tokensPerMinute: number): CallerCaps | null {
  return concurrent + requestsPerMinute + tokensPerMinute === 0
    ? null
    : { concurrent, requestsPerMinute, tokensPerMinute }
}
