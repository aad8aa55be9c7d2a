import { z } from 'zod'

/**
 * What one caller may take through an access key, over all edges: each edge keeps the part of it that its demand asks for. 0 =
 * no limit. Past one of them the answer is 429 `RATE_LIMITED` with `Retry-After`.
 */
export const accessKeyLimitsShape = {
  max_concurrent_requests: limit(100_000, 'Requests under way at once with this key, over all edges.'),
  max_requests_per_minute: limit(10_000_000, 'Requests with this key in sixty seconds, over all edges.'),
  max_tokens_per_minute: limit(
    1_000_000_000,
    'Tokens of this key in sixty seconds, over all edges; counted when a request has ended.',
  ),
}

/** Left out: as it was, or no limit. */
export const optionalAccessKeyLimits = z.object(accessKeyLimitsShape).partial().shape

export const accessKeyLimitNames = [
  'max_concurrent_requests',
  'max_requests_per_minute',
  'max_tokens_per_minute',
] as const satisfies (keyof typeof accessKeyLimitsShape)[]
export type AccessKeyLimitName = (typeof accessKeyLimitNames)[number]
export type AccessKeyLimits = Record<AccessKeyLimitName, number>

function limit(max: number, text: string) {
  return z.number().int().min(0).max(max).describe(`${text} 0 = no limit.`)
}
