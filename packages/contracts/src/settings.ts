import { parseErrorRules } from './error-rules.ts'
import { automaticFailoverCodes, parseFailoverCodes } from './failover-codes.ts'
import { defaultRedactionRules, parseRedactionRules } from './redaction-rules.ts'

/**
 * The settings registry: every setting with type, default, unit, bounds and whether a group may override it. Validation
 * (settings-schema.ts), API, OpenAPI, forms and the config file derive from it. GPT-Load's settings keep name, unit and range
 * (gpt-load/admin-api.md 7) plus a sane maximum; ours carry the unit in the name.
 * Precedence: environment default < system setting < group override.
 */
export type SettingCategory = 'basic' | 'request' | 'retry' | 'key' | 'log'

/** How values are counted; `s`, `ms` and `h` are times. */
export type SettingUnit =
  | '%'
  | 'attempts'
  | 'bytes'
  | 'connections'
  | 'days'
  | 'failures'
  | 'h'
  | 'keys'
  | 'minutes'
  | 'ms'
  | 'probes'
  | 'probes/min'
  | 'requests'
  | 'requests/min'
  | 's'
  | 'tokens/min'

type SettingBase = {
  category: SettingCategory
  description: string
  groupOverride: boolean
  unit?: SettingUnit
  gptLoad: boolean
}
export type IntegerSetting = SettingBase & { type: 'int'; default: number; min: number; max: number }
export type BooleanSetting = SettingBase & { type: 'bool'; default: boolean }
export type StringSetting = SettingBase & {
  type: 'string'
  default: string
  check?: (value: string) => string | null
  secret?: boolean
  /** Of several lines. */
  isMultiline?: boolean
}
export type ChoiceSetting = SettingBase & { type: 'choice'; default: string; choices: readonly string[] }
export type SettingDefinition = IntegerSetting | BooleanSetting | StringSetting | ChoiceSetting

const day = 86_400
export const settingsRegistry = {
  app_url: {
    type: 'string',
    default: '',
    category: 'basic',
    groupOverride: false,
    gptLoad: true,
    check: emptyOrHttpUrl,
    description: 'Public base URL of the proxy, shown in endpoints and snippets. Empty: derived from host and port.',
  },
  request_log_retention_days: {
    type: 'int',
    default: 7,
    min: 0,
    max: 3_650,
    unit: 'days',
    category: 'log',
    groupOverride: false,
    gptLoad: true,
    description: 'Request log rows older than this are dropped; 0 keeps them for ever.',
  },
  audit_retention_days: {
    type: 'int',
    default: 365,
    min: 0,
    max: 3_650,
    unit: 'days',
    category: 'log',
    groupOverride: false,
    gptLoad: false,
    description: 'Rows of the audit log older than this are removed; 0 keeps them for ever.',
  },
  request_log_write_interval_minutes: {
    type: 'int',
    default: 1,
    min: 0,
    max: 60,
    unit: 'minutes',
    category: 'log',
    groupOverride: false,
    gptLoad: true,
    description: 'Upper bound on how late a log row may appear. Ours appear within seconds; kept for scripts.',
  },
  request_log_sample_percent: {
    type: 'int',
    default: 100,
    min: 0,
    max: 100,
    unit: '%',
    category: 'log',
    groupOverride: true,
    gptLoad: false,
    description:
      'Of requests that succeed at once, so many get a row; the others are counted in the statistics only. Failed and retried ones always do.',
  },
  enable_request_body_logging: {
    type: 'bool',
    default: false,
    category: 'log',
    groupOverride: true,
    gptLoad: true,
    description:
      'Record what callers send, after redaction, in a table of its own. Decided by the group in the URL; a body that is not text leaves its type only.',
  },
  enable_response_body_logging: {
    type: 'bool',
    default: false,
    category: 'log',
    groupOverride: true,
    gptLoad: false,
    description: 'Record what callers are answered, streams too, in the same way.',
  },
  content_log_max_bytes: {
    type: 'int',
    default: 65_536,
    min: 1_024,
    max: 262_144,
    unit: 'bytes',
    category: 'log',
    groupOverride: true,
    gptLoad: false,
    description: 'Most bytes of one body that are recorded; the rest is cut off.',
  },
  content_redaction_rules: {
    type: 'string',
    default: defaultRedactionRules,
    category: 'log',
    groupOverride: true,
    gptLoad: false,
    isMultiline: true,
    check: checkRedactionRules,
    description:
      'What is taken out of recorded bodies, one rule per line: api_key, card, email, or an expression between slashes: /customer-\\d+/i. The key and the access key of a request always are.',
  },
  content_log_retention_days: {
    type: 'int',
    default: 3,
    min: 0,
    max: 3_650,
    unit: 'days',
    category: 'log',
    groupOverride: false,
    gptLoad: false,
    description: 'Recorded bodies older than this are dropped; 0 keeps them for ever.',
  },
  request_timeout: {
    type: 'int',
    default: 600,
    min: 1,
    max: day,
    unit: 's',
    category: 'request',
    groupOverride: true,
    gptLoad: true,
    description: 'A whole attempt that is not a stream, body included.',
  },
  connect_timeout: {
    type: 'int',
    default: 15,
    min: 1,
    max: 300,
    unit: 's',
    category: 'request',
    groupOverride: true,
    gptLoad: true,
    description: 'TCP connect and TLS handshake to the upstream.',
  },
  idle_conn_timeout: {
    type: 'int',
    default: 120,
    min: 1,
    max: 3_600,
    unit: 's',
    category: 'request',
    groupOverride: true,
    gptLoad: true,
    description: 'An idle pooled upstream connection is closed after this.',
  },
  response_header_timeout: {
    type: 'int',
    default: 600,
    min: 1,
    max: day,
    unit: 's',
    category: 'request',
    groupOverride: true,
    gptLoad: true,
    description: 'From the sent request to the response head, streams too.',
  },
  max_idle_conns: {
    type: 'int',
    default: 100,
    min: 1,
    max: 100_000,
    unit: 'connections',
    category: 'request',
    groupOverride: true,
    gptLoad: true,
    description: 'Idle upstream connections kept in all, per worker.',
  },
  max_idle_conns_per_host: {
    type: 'int',
    default: 50,
    min: 1,
    max: 100_000,
    unit: 'connections',
    category: 'request',
    groupOverride: true,
    gptLoad: true,
    description: 'Idle upstream connections kept per upstream, per worker. Does not limit concurrency.',
  },
  proxy_url: {
    type: 'string',
    default: '',
    category: 'request',
    groupOverride: true,
    gptLoad: true,
    check: emptyOrProxyUrl,
    secret: true,
    description:
      'Outbound proxy: http, https or socks5, credentials allowed. Empty: HTTP_PROXY, HTTPS_PROXY, NO_PROXY.',
  },
  max_retries: {
    type: 'int',
    default: 3,
    min: 0,
    max: 100,
    unit: 'attempts',
    category: 'retry',
    groupOverride: true,
    gptLoad: true,
    description: 'Attempts after the first.',
  },
  preamble_hold_bytes: {
    type: 'int',
    default: 16_384,
    min: 0,
    max: 1_048_576,
    unit: 'bytes',
    category: 'retry',
    groupOverride: true,
    gptLoad: false,
    description:
      'Most bytes of an event stream that are held until its first real event: an error before it fails over. 0 = off.',
  },
  preamble_hold_ms: {
    type: 'int',
    default: 1_000,
    min: 1,
    max: 60_000,
    unit: 'ms',
    category: 'retry',
    groupOverride: true,
    gptLoad: false,
    description: 'Longest time for which the head of such a stream is held back; after it the stream is passed on.',
  },
  max_concurrent_requests: {
    type: 'int',
    default: 0,
    min: 0,
    max: 1_000_000,
    unit: 'requests',
    category: 'request',
    groupOverride: true,
    gptLoad: false,
    description: 'Requests of the group under way at once, per edge. 0 = no limit.',
  },
  max_requests_per_minute: {
    type: 'int',
    default: 0,
    min: 0,
    max: 10_000_000,
    unit: 'requests/min',
    category: 'request',
    groupOverride: true,
    gptLoad: false,
    description:
      'Requests of the group in the URL in sixty seconds, over all edges: each keeps the part that its demand asks for. More are answered with 429. 0 = no limit.',
  },
  max_tokens_per_minute: {
    type: 'int',
    default: 0,
    min: 0,
    max: 1_000_000_000,
    unit: 'tokens/min',
    category: 'request',
    groupOverride: true,
    gptLoad: false,
    description:
      'Tokens of the group in the URL in sixty seconds, over all edges: each keeps the part that its demand asks for. Counted when a request has ended. 0 = no limit.',
  },
  max_waiting_requests: {
    type: 'int',
    default: 0,
    min: 0,
    max: 10_000,
    unit: 'requests',
    category: 'request',
    groupOverride: true,
    gptLoad: false,
    description: 'Requests that may wait for room, per worker; more are refused at once. 0 = none waits.',
  },
  max_wait_ms: {
    type: 'int',
    default: 1_000,
    min: 1,
    max: 600_000,
    unit: 'ms',
    category: 'request',
    groupOverride: true,
    gptLoad: false,
    description: 'Longest time that a request waits for room.',
  },
  websocket_idle_timeout_ms: {
    type: 'int',
    default: 900_000,
    min: 1_000,
    max: 86_400_000,
    unit: 'ms',
    category: 'request',
    groupOverride: true,
    gptLoad: false,
    description: 'A WebSocket that is silent both ways for so long is ended.',
  },
  stream_keepalive_ms: {
    type: 'int',
    default: 0,
    min: 0,
    max: 600_000,
    unit: 'ms',
    category: 'request',
    groupOverride: true,
    gptLoad: false,
    description:
      'While an event stream is silent for so long, a comment (Anthropic: a ping) keeps proxies on the way from cutting it. 0 = off.',
  },
  stream_error_event: {
    type: 'bool',
    default: false,
    category: 'request',
    groupOverride: true,
    gptLoad: false,
    description:
      "When an upstream breaks off in the middle of an event stream: an error event of the caller's dialect in place of a broken connection.",
  },
  failover_status_codes: {
    type: 'string',
    default: automaticFailoverCodes,
    category: 'retry',
    groupOverride: true,
    gptLoad: true,
    check: checkFailoverCodes,
    description: 'Statuses that are retried on another key. The default means automatic: decided by error class.',
  },
  blacklist_threshold: {
    type: 'int',
    default: 3,
    min: 0,
    max: 1_000,
    unit: 'failures',
    category: 'key',
    groupOverride: true,
    gptLoad: true,
    description: 'Consecutive key_auth failures before a key is invalid; 0 = never.',
  },
  key_validation_interval_minutes: {
    type: 'int',
    default: 60,
    min: 1,
    max: 43_200,
    unit: 'minutes',
    category: 'key',
    groupOverride: true,
    gptLoad: true,
    description: 'An invalid or suspect key is probed again after this.',
  },
  key_validation_mode: {
    type: 'choice',
    choices: ['chat', 'models', 'off'],
    default: 'chat',
    category: 'key',
    groupOverride: true,
    gptLoad: false,
    description:
      'How keys are probed: chat asks the test model for one token, models reads the list of models, off probes only when a person asks (as chat).',
  },
  key_validation_rate_per_minute: {
    type: 'int',
    default: 600,
    min: 1,
    max: 60_000,
    unit: 'probes/min',
    category: 'key',
    groupOverride: true,
    gptLoad: false,
    description: 'Scheduled probes of one group per minute, at most.',
  },
  key_validation_concurrency: {
    type: 'int',
    default: 10,
    min: 1,
    max: 100,
    unit: 'probes',
    category: 'key',
    groupOverride: true,
    gptLoad: true,
    description: 'Scheduled probes of one group at the same time.',
  },
  key_validation_timeout_seconds: {
    type: 'int',
    default: 20,
    min: 1,
    max: 600,
    unit: 's',
    category: 'key',
    groupOverride: true,
    gptLoad: true,
    description: 'Timeout of one probe.',
  },
  first_byte_timeout_ms: {
    type: 'int',
    default: 600_000,
    min: 10,
    max: day * 1000,
    unit: 'ms',
    category: 'request',
    groupOverride: true,
    gptLoad: false,
    description: 'From the sent request to the first byte of the response body.',
  },
  stream_idle_timeout_ms: {
    type: 'int',
    default: 300_000,
    min: 10,
    max: day * 1000,
    unit: 'ms',
    category: 'request',
    groupOverride: true,
    gptLoad: false,
    description: 'Longest silence inside a response. There is no other cap on long streams.',
  },
  retry_deadline_ms: {
    type: 'int',
    default: 900_000,
    min: 0,
    max: day * 1000,
    unit: 'ms',
    category: 'retry',
    groupOverride: true,
    gptLoad: false,
    description: 'No new attempt begins later than this after the request arrived; 0 = no retries.',
  },
  key_rotation: {
    type: 'choice',
    choices: ['round_robin', 'least_in_flight', 'weighted'],
    default: 'round_robin',
    category: 'key',
    groupOverride: true,
    gptLoad: false,
    description:
      'How keys take turns: one after the other, the one with the fewest requests under way on this edge, or in proportion to the weights of the keys.',
  },
  learn_key_quotas: {
    type: 'bool',
    default: true,
    category: 'key',
    groupOverride: true,
    gptLoad: false,
    description:
      'Read from the answers what each key has left in its current window, and take keys that are spent last, before they answer 429.',
  },
  max_concurrent_requests_per_key: {
    type: 'int',
    default: 0,
    min: 0,
    max: 100_000,
    unit: 'requests',
    category: 'key',
    groupOverride: true,
    gptLoad: false,
    description: 'Requests under way on one key, over all edges: each keeps its equal share, one at least. 0 = no cap.',
  },
  max_requests_per_minute_per_key: {
    type: 'int',
    default: 0,
    min: 0,
    max: 10_000_000,
    unit: 'requests/min',
    category: 'key',
    groupOverride: true,
    gptLoad: false,
    description: 'Requests of one key in sixty seconds, over all edges: each keeps its equal share. 0 = no cap.',
  },
  max_tokens_per_minute_per_key: {
    type: 'int',
    default: 0,
    min: 0,
    max: 1_000_000_000,
    unit: 'tokens/min',
    category: 'key',
    groupOverride: true,
    gptLoad: false,
    description:
      'Tokens of one key in sixty seconds, over all edges: each keeps its equal share. Counted when a request has ended. 0 = no cap.',
  },
  keys_share_organization: {
    type: 'bool',
    default: false,
    category: 'key',
    groupOverride: true,
    gptLoad: false,
    description:
      'All keys are of one organisation at the provider: files, batches, stored responses and their like exist for each of them, so such requests rotate as all others do.',
  },
  resource_key_ttl_hours: {
    type: 'int',
    default: 720,
    min: 0,
    max: 87_600,
    unit: 'h',
    category: 'key',
    groupOverride: true,
    gptLoad: false,
    description:
      'For so long it is remembered which key made a file, a batch or a stored response, so that every edge asks the same key for it. 0 = nothing is learnt, the access key alone decides.',
  },
  key_affinity: {
    type: 'choice',
    choices: ['off', 'session', 'prompt'],
    default: 'off',
    category: 'key',
    groupOverride: true,
    gptLoad: false,
    description:
      'For prompt caches: requests of one session meet the same key (by key_affinity_header, prompt_cache_key or metadata.user_id, of one access key); prompt also goes by how the prompt begins. A key that is busy, limited or spent is passed over.',
  },
  key_affinity_header: {
    type: 'string',
    default: 'x-session-id',
    category: 'key',
    groupOverride: true,
    gptLoad: false,
    check: checkHeaderName,
    description: 'Request header that names a session; it comes before what the body says. Empty = none.',
  },
  key_affinity_prefix_bytes: {
    type: 'int',
    default: 2_048,
    min: 64,
    max: 65_536,
    unit: 'bytes',
    category: 'key',
    groupOverride: true,
    gptLoad: false,
    description: 'Bytes from the beginning of a prompt that make requests alike.',
  },
  key_affinity_max_requests: {
    type: 'int',
    default: 8,
    min: 1,
    max: 100_000,
    unit: 'requests',
    category: 'key',
    groupOverride: true,
    gptLoad: false,
    description: 'Requests under way on a key of this edge past which sessions that belong to it rotate.',
  },
  max_keys_per_request: {
    type: 'int',
    default: 8,
    min: 1,
    max: 1_000,
    unit: 'keys',
    category: 'retry',
    groupOverride: true,
    gptLoad: false,
    description: 'Different keys that one request may try.',
  },
  key_wait_ms: {
    type: 'int',
    default: 0,
    min: 0,
    max: 600_000,
    unit: 'ms',
    category: 'retry',
    groupOverride: true,
    gptLoad: false,
    description:
      'While every key is out for a time, a request waits so long for the first one to return; 0 = it is answered 429 with Retry-After at once.',
  },
  max_key_waiting_requests: {
    type: 'int',
    default: 1_000,
    min: 1,
    max: 100_000,
    unit: 'requests',
    category: 'retry',
    groupOverride: true,
    gptLoad: false,
    description: 'Requests of the group that may wait for a key, per worker; more are answered 429 at once.',
  },
  replay_buffer_bytes: {
    type: 'int',
    default: 1_048_576,
    min: 0,
    max: 67_108_864,
    unit: 'bytes',
    category: 'retry',
    groupOverride: true,
    gptLoad: false,
    description: 'A request body up to this size can be sent again; a larger one flows through without retry.',
  },
  max_body_bytes: {
    type: 'int',
    default: 33_554_432,
    min: 1_024,
    max: 1_073_741_824,
    unit: 'bytes',
    category: 'request',
    groupOverride: true,
    gptLoad: false,
    description: 'Largest request body that a rule may rewrite; larger is 413. Untouched bodies are not limited by it.',
  },
  rate_limit_cooldown_ms: {
    type: 'int',
    default: 30_000,
    min: 100,
    max: day * 1000,
    unit: 'ms',
    category: 'key',
    groupOverride: true,
    gptLoad: false,
    description: 'How long a rate limited key cools when the upstream names no time.',
  },
  quota_cooldown_ms: {
    type: 'int',
    default: 3_600_000,
    min: 1_000,
    max: 31 * day * 1000,
    unit: 'ms',
    category: 'key',
    groupOverride: true,
    gptLoad: false,
    description: 'How long a key without quota is out when the upstream names no reset.',
  },
  max_cooldown_ms: {
    type: 'int',
    default: day * 1000,
    min: 1_000,
    max: 31 * day * 1000,
    unit: 'ms',
    category: 'key',
    groupOverride: true,
    gptLoad: false,
    description: 'A deadline that an upstream names is cut at this.',
  },
  error_rules: {
    type: 'string',
    default: '',
    category: 'key',
    groupOverride: true,
    gptLoad: false,
    isMultiline: true,
    check: checkErrorRules,
    description:
      'What errors say of a key, one rule per line: [observe] STATUS [CODE] -> ignore | count | cool | exhaust | invalidate [FOR] [retry | no-retry]. The first that matches overrules what is known of the provider.',
  },
  upstream_failure_threshold: {
    type: 'int',
    default: 5,
    min: 0,
    max: 1_000,
    unit: 'failures',
    category: 'retry',
    groupOverride: true,
    gptLoad: false,
    description:
      'An upstream that failed this often in a row (no connection, timeout, its own errors) is avoided while there are others; 0 = never.',
  },
  upstream_error_rate_percent: {
    type: 'int',
    default: 50,
    min: 0,
    max: 100,
    unit: '%',
    category: 'retry',
    groupOverride: true,
    gptLoad: false,
    description: 'So is one of which this share of at least 20 answers within 10 s failed; 0 = never.',
  },
  upstream_open_ms: {
    type: 'int',
    default: 10_000,
    min: 100,
    max: 300_000,
    unit: 'ms',
    category: 'retry',
    groupOverride: true,
    gptLoad: false,
    description: 'How long it is avoided before a request tries it; doubled by each trial that fails, up to 5 minutes.',
  },
  upstream_storm_keys: {
    type: 'int',
    default: 8,
    min: 0,
    max: 32,
    unit: 'keys',
    category: 'retry',
    groupOverride: true,
    gptLoad: false,
    description:
      'So many different keys (in a small pool half of them, at least 4) that it limits within a second, with most of its answers, are its own limit: it is avoided and the keys stay. Only while the group has another healthy upstream; 0 = never.',
  },
  upstream_check_path: {
    type: 'string',
    default: '',
    category: 'retry',
    groupOverride: true,
    gptLoad: false,
    check: emptyOrPath,
    description:
      'Path that each upstream is asked for without credentials (GET, from the root of its host), whether or not there are requests. No answer within 5 s, or one from 500 on, counts as a failure; another one lets a request try an avoided upstream at once. Empty = no checks.',
  },
  upstream_check_interval_ms: {
    type: 'int',
    default: 10_000,
    min: 1_000,
    max: 3_600_000,
    unit: 'ms',
    category: 'retry',
    groupOverride: true,
    gptLoad: false,
    description: 'How often each edge does so.',
  },
  join_v1: {
    type: 'bool',
    default: true,
    category: 'request',
    groupOverride: true,
    gptLoad: false,
    description:
      'Join /v1 once: of a base URL that ends in /v1 and a path that begins with it, and add it where a known path lacks it.',
  },
  forward_client_headers: {
    type: 'bool',
    default: false,
    category: 'request',
    groupOverride: true,
    gptLoad: false,
    description: 'Pass Cookie, Forwarded and X-Forwarded-* of the client to the upstream.',
  },
  auth_key_opens_proxy: {
    type: 'bool',
    default: false,
    category: 'basic',
    groupOverride: false,
    gptLoad: false,
    description:
      'Accept AUTH_KEY of the environment as an access key for all groups, as GPT-Load does. Every caller with it is an administrator.',
  },
} as const satisfies Record<string, SettingDefinition>

export type SettingName = keyof typeof settingsRegistry
export type SettingValue = string | number | boolean
type ValueOf<D> = D extends { type: 'int' }
  ? number
  : D extends { type: 'bool' }
    ? boolean
    : D extends { type: 'choice'; choices: readonly (infer Choice)[] }
      ? Choice
      : string
/** All settings, resolved. */
export type Settings = { [K in SettingName]: ValueOf<(typeof settingsRegistry)[K]> }
export type GroupSettingName = {
  [K in SettingName]: (typeof settingsRegistry)[K]['groupOverride'] extends true ? K : never
}[SettingName]

export const settingNames = Object.keys(settingsRegistry) as SettingName[]
export const groupSettingNames = settingNames.filter(
  (name) => settingsRegistry[name].groupOverride,
) as GroupSettingName[]

export const defaultSettings: Settings = Object.fromEntries(
  settingNames.map((name) => [name, settingsRegistry[name].default]),
) as Settings

/** Later layers win; `undefined` members do not count. */
export function resolveSettings(...layers: readonly Partial<Settings>[]): Settings {
  const resolved: Record<string, SettingValue> = { ...defaultSettings }
  for (const layer of layers) {
    for (const [name, value] of Object.entries(layer)) if (value !== undefined) resolved[name] = value
  }
  return resolved as Settings
}

function checkHeaderName(value: string): string | null {
  return /^[!#$%&'*+.^_`|~0-9A-Za-z-]{0,100}$/.test(value) ? null : 'must be empty or the name of a header'
}

function checkFailoverCodes(value: string): string | null {
  const result = parseFailoverCodes(value)
  return result.ok ? null : result.error
}

function checkErrorRules(value: string): string | null {
  const result = parseErrorRules(value)
  return result.ok ? null : result.error
}

/** Expressions are compiled where they are stored and where they are used (packages/redaction). */
function checkRedactionRules(value: string): string | null {
  const result = parseRedactionRules(value)
  return result.ok ? null : result.error
}

function emptyOrPath(value: string): string | null {
  return /^(?:\/[\x21-\x7e]{0,2047})?$/.test(value) && !value.includes('#')
    ? null
    : 'must be empty or a path that begins with /, without blanks and fragment'
}

function emptyOrHttpUrl(value: string): string | null {
  return value === '' || hasProtocol(value, ['http:', 'https:']) ? null : 'must be empty or an http:// or https:// URL'
}

function emptyOrProxyUrl(value: string): string | null {
  const isProxy = value === '' || hasProtocol(value, ['http:', 'https:', 'socks5:', 'socks5h:'])
  return isProxy ? null : 'must be empty or an http://, https:// or socks5:// URL'
}

function hasProtocol(value: string, protocols: string[]): boolean {
  const url = URL.parse(value)
  return url !== null && protocols.includes(url.protocol) && url.hostname !== ''
}
