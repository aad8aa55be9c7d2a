/**
 * What a failed attempt says, and about whom (ARCHITECTURE.md, Key health). `client`: the caller's request, never costs a
 * key, never retried. `key_auth`, `key_quota`, `rate_limit`: the key. `upstream`, `network`: the upstream, the key is free.
 */
export const errorClasses = [
  'client',
  'key_auth',
  'key_quota',
  'rate_limit',
  'upstream',
  'network',
  'client_abort',
] as const
export type ErrorClass = (typeof errorClasses)[number]

/** Where a deadline came from, most trustworthy first. */
export const deadlineSources = ['retry_after', 'rate_limit_header', 'body', 'default', 'operator'] as const
export type DeadlineSource = (typeof deadlineSources)[number]
