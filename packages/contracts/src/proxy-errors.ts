/**
 * Errors that the proxy itself makes, on the request path (gpt-load/proxy.md 12). Code -> status, in one table. Bodies are
 * the caller's dialect plus GPT-Load's top-level `code` and `message` (packages/channels renders them).
 */
export const proxyErrors = {
  BAD_REQUEST: { status: 400, message: 'The request could not be read.' },
  UNAUTHORIZED: {
    status: 401,
    message:
      'No valid access key. Send one where your SDK sends its API key (Authorization: Bearer, x-api-key, x-goog-api-key or ' +
      '?key=). Access keys are made in the portal, under Access keys; the admin key is one only while the setting ' +
      'auth_key_opens_proxy is on.',
  },
  FORBIDDEN: { status: 403, message: 'This access key does not open this group, or the group is disabled.' },
  NOT_FOUND: { status: 404, message: 'No such group or path.' },
  MODEL_NOT_ALLOWED: { status: 404, message: 'The model does not exist or this group does not offer it.' },
  PAYLOAD_TOO_LARGE: { status: 413, message: 'The request body is larger than a rule of this group may rewrite.' },
  NO_KEYS_AVAILABLE: { status: 503, message: 'No key of this group is usable now.' },
  KEYS_RATE_LIMITED: { status: 429, message: 'Every key of this group is rate limited now.' },
  UPSTREAM_KEYS_REJECTED: { status: 502, message: 'The upstream refused every key that was tried.' },
  BAD_GATEWAY: { status: 502, message: 'The upstream could not be reached or broke off before it answered.' },
  UPSTREAM_TIMEOUT: { status: 504, message: 'The upstream did not answer in time.' },
  OVERLOADED: { status: 503, message: 'Too many requests at once. Try again shortly.' },
  RATE_LIMITED: { status: 429, message: 'A limit of this access key or group is reached.' },
  DRAINING: { status: 503, message: 'This instance is shutting down. Try again.' },
  NOT_READY: { status: 503, message: 'No configuration has arrived yet. Try again shortly.' },
  LOOP_DETECTED: {
    status: 508,
    message: 'The request has passed through this proxy too often: an upstream points back to it.',
  },
  INTERNAL_SERVER_ERROR: { status: 500, message: 'The proxy failed. The request id finds it in the log.' },
} as const satisfies Record<string, { status: number; message: string }>
export type ProxyErrorCode = keyof typeof proxyErrors

/** Timeouts have names of their own in errors and logs. */
export const timeoutStages = ['connect', 'response_header', 'first_byte', 'stream_idle', 'total'] as const
export type TimeoutStage = (typeof timeoutStages)[number]

/** Ours on every answer; the provider's own `x-request-id` / `request-id` are left alone. */
export const requestIdHeader = 'x-gptload-request-id'
/** Counts passes through this proxy; past `maxHops` the request is refused (an upstream points back to us). */
export const hopHeader = 'x-gptload-hops'
export const maxHops = 5
