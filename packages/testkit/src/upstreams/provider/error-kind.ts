export type ProviderErrorKind =
  | 'missing-key'
  | 'invalid-key'
  | 'permission-denied'
  | 'rate-limited'
  | 'out-of-quota'
  | 'overloaded'
  | 'server-error'
  | 'bad-request'
  | 'model-not-found'
  | 'not-found'

export type ErrorDetail = {
  /** Replaces the usual sentence. */
  message?: string
  /** The offending parameter, where the dialect names one. */
  param?: string
  /** Seconds until a limited key is served again. */
  retryAfterS?: number
  key?: string
  model?: string
}
