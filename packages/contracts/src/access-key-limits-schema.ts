import { z } from 'zod'
import type { AccessKeyLimitName } from './access-key-limits.ts'

export const accessKeyLimitsShape = {
  max_concurrent_requests: limit(100_000, 'Requests under way at once with this key, over all edges.'),
  max_requests_per_minute: limit(10_000_000, 'Requests with this key in sixty seconds, over all edges.'),
  max_tokens_per_minute: limit(
    1_000_000_000,
    'Tokens of this key in sixty seconds, over all edges; counted when a request has ended.',
  ),
} satisfies Record<AccessKeyLimitName, z.ZodType>

/** Left out: as it was, or no limit. */
export const optionalAccessKeyLimits = z.object(accessKeyLimitsShape).partial().shape

function limit(max: number, text: string) {
  return z.number().int().min(0).max(max).describe(`${text} 0 = no limit.`)
}
