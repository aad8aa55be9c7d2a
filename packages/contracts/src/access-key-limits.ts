// Without schemas: the portal's lists load it too.

/**
 * What one caller may take through an access key, over all edges: each edge keeps the part of it that its demand asks for. 0 =
 * no limit. Past one of them the answer is 429 `RATE_LIMITED` with `Retry-After`.
 */
export const accessKeyLimitNames = [
  'max_concurrent_requests',
  'max_requests_per_minute',
  'max_tokens_per_minute',
] as const
export type AccessKeyLimitName = (typeof accessKeyLimitNames)[number]
export type AccessKeyLimits = Record<AccessKeyLimitName, number>
