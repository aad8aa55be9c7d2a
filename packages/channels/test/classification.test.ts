import assert from 'node:assert/strict'
import { test } from 'node:test'
import { channelTypes } from '@gpt-load/contracts/channel-types'
import type { ChannelType } from '@gpt-load/contracts/channel-types'
import type { ErrorClass } from '@gpt-load/contracts/error-class'
import * as fc from 'fast-check'
import type { Classification } from '../src/channel.ts'
import { channelOf } from '../src/find-channel.ts'
import { captureText, noCaptures } from './captures.ts'

const nowMs = Date.parse('2026-03-01T12:00:00Z')

function classify(channel: ChannelType, status: number, body: unknown, headers: string[] = []): Classification {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return channelOf(channel).classify({ status, headers, body: text, nowMs, model: 'm' })
}

/** `?` behind a class: counts only when another key accepts the same request. */
type Row = [status: number, body: unknown, verdict: ErrorClass | `${ErrorClass}?`, code: string]
const openai = (code: string | null, type = 'invalid_request_error', message = 'm'): object => ({
  error: { message, type, param: null, code },
})
const anthropic = (type: string, message = 'm'): object => ({
  type: 'error',
  error: { type, message },
  request_id: 'r',
})
const google = (code: number, status: string, details: object[] = [], message = 'm'): object => ({
  error: { code, message, status, details },
})
const reason = (name: string): object => ({ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: name })
const quotas = (...ids: string[]): object => ({
  '@type': 'type.googleapis.com/google.rpc.QuotaFailure',
  violations: ids.map((quotaId) => ({ quotaId })),
})
const azure = (code: string, message = 'm'): object => ({ error: { code, message } })
const lowBalance =
  'Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.'

const openaiRows: Row[] = [
  [401, openai('invalid_api_key'), 'key_auth', 'invalid_api_key'],
  [401, openai('account_deactivated'), 'key_auth', 'account_deactivated'],
  [401, openai(null), 'key_auth', 'invalid_request_error'],
  [401, openai('mismatched_organization'), 'client', 'mismatched_organization'],
  [401, openai('missing_scope'), 'key_auth?', 'missing_scope'],
  [429, openai('insufficient_quota', 'insufficient_quota'), 'key_quota', 'insufficient_quota'],
  [429, openai(null, 'insufficient_quota'), 'key_quota', 'insufficient_quota'],
  [400, openai('billing_hard_limit_reached'), 'key_quota', 'billing_hard_limit_reached'],
  [429, openai('billing_not_active', 'billing_not_active'), 'key_quota', 'billing_not_active'],
  [402, openai('invalid_request_error', 'unknown_error', 'Insufficient Balance'), 'key_quota', 'invalid_request_error'],
  [
    403,
    { error: { code: 'insufficient_user_quota', type: 'new_api_error', message: 'm' } },
    'key_quota',
    'insufficient_user_quota',
  ],
  [429, openai('rate_limit_exceeded', 'tokens'), 'rate_limit', 'rate_limit_exceeded'],
  [429, openai(null, 'requests'), 'rate_limit', 'requests'],
  [429, { error: { type: 'engine_overloaded_error', message: 'm' } }, 'upstream', 'engine_overloaded_error'],
  [400, openai('context_length_exceeded'), 'client', 'context_length_exceeded'],
  [429, openai('context_length_exceeded'), 'client', 'context_length_exceeded'],
  [404, openai('model_not_found'), 'client', 'model_not_found'],
  [403, openai('model_not_found'), 'client', 'model_not_found'],
  [
    403,
    openai('unsupported_country_region_territory', 'request_forbidden'),
    'upstream',
    'unsupported_country_region_territory',
  ],
  [403, openai(null, 'forbidden'), 'key_auth?', 'forbidden'],
  [500, openai(null, 'server_error'), 'upstream', 'server_error'],
  [503, openai('slow_down'), 'upstream', 'slow_down'],
]
const anthropicRows: Row[] = [
  [401, anthropic('authentication_error'), 'key_auth', 'authentication_error'],
  [402, anthropic('billing_error'), 'key_quota', 'billing_error'],
  [403, anthropic('permission_error'), 'key_auth?', 'permission_error'],
  [404, anthropic('not_found_error'), 'client', 'not_found_error'],
  [413, anthropic('request_too_large'), 'client', 'request_too_large'],
  [429, anthropic('rate_limit_error'), 'rate_limit', 'rate_limit_error'],
  [
    429,
    anthropic('rate_limit_error', 'Extra usage is required for long context requests.'),
    'client',
    'rate_limit_error',
  ],
  [500, anthropic('api_error'), 'upstream', 'api_error'],
  [504, anthropic('timeout_error'), 'upstream', 'timeout_error'],
  [529, anthropic('overloaded_error'), 'upstream', 'overloaded_error'],
  [400, anthropic('invalid_request_error'), 'client', 'invalid_request_error'],
  [400, anthropic('invalid_request_error', lowBalance), 'key_quota?', 'invalid_request_error'],
  [400, anthropic('invalid_request_error', `${lowBalance} `), 'client', 'invalid_request_error'],
  [400, anthropic('invalid_request_error', `messages.0: ${lowBalance}`), 'client', 'invalid_request_error'],
  [400, `${lowBalance}`, 'client', ''],
  [
    400,
    anthropic('invalid_request_error', 'This organization has been disabled.'),
    'key_auth?',
    'invalid_request_error',
  ],
]
const geminiRows: Row[] = [
  [400, google(400, 'INVALID_ARGUMENT', [reason('API_KEY_INVALID')]), 'key_auth', 'API_KEY_INVALID'],
  [400, [google(400, 'INVALID_ARGUMENT', [reason('API_KEY_INVALID')])], 'key_auth', 'API_KEY_INVALID'],
  [
    400,
    google(400, 'INVALID_ARGUMENT', [], 'API key not valid. Please pass a valid API key.'),
    'key_auth?',
    'INVALID_ARGUMENT',
  ],
  [
    400,
    google(400, 'INVALID_ARGUMENT', [], 'Say "API key not valid. Please pass a valid API key."'),
    'client',
    'INVALID_ARGUMENT',
  ],
  [403, google(403, 'PERMISSION_DENIED', [reason('CONSUMER_SUSPENDED')]), 'key_auth', 'CONSUMER_SUSPENDED'],
  [403, google(403, 'PERMISSION_DENIED', [reason('SERVICE_DISABLED')]), 'key_auth', 'SERVICE_DISABLED'],
  [
    403,
    google(403, 'PERMISSION_DENIED', [reason('API_KEY_HTTP_REFERRER_BLOCKED')]),
    'key_auth?',
    'API_KEY_HTTP_REFERRER_BLOCKED',
  ],
  [403, google(403, 'PERMISSION_DENIED', [reason('BILLING_DISABLED')]), 'key_quota', 'BILLING_DISABLED'],
  [403, google(403, 'PERMISSION_DENIED'), 'key_auth?', 'PERMISSION_DENIED'],
  [
    403,
    google(403, 'PERMISSION_DENIED', [], 'You do not have permission to access the File abc123 or it may not exist.'),
    'client',
    'PERMISSION_DENIED',
  ],
  [
    401,
    google(401, 'UNAUTHENTICATED', [reason('ACCESS_TOKEN_TYPE_UNSUPPORTED')]),
    'key_auth',
    'ACCESS_TOKEN_TYPE_UNSUPPORTED',
  ],
  [429, google(429, 'RESOURCE_EXHAUSTED'), 'rate_limit', 'RESOURCE_EXHAUSTED'],
  [
    429,
    google(429, 'RESOURCE_EXHAUSTED', [quotas('GenerateRequestsPerMinutePerProject')]),
    'rate_limit',
    'RESOURCE_EXHAUSTED',
  ],
  [
    429,
    google(429, 'RESOURCE_EXHAUSTED', [quotas('GenerateRequestsPerDayPerProjectPerModel')]),
    'key_quota',
    'RESOURCE_EXHAUSTED',
  ],
  [
    400,
    google(400, 'FAILED_PRECONDITION', [], 'User location is not supported for the API use.'),
    'upstream',
    'FAILED_PRECONDITION',
  ],
  [400, google(400, 'FAILED_PRECONDITION', [], 'The file is not active.'), 'client', 'FAILED_PRECONDITION'],
  [404, google(404, 'NOT_FOUND'), 'client', 'NOT_FOUND'],
  [503, google(503, 'UNAVAILABLE'), 'upstream', 'UNAVAILABLE'],
  [500, google(500, 'INTERNAL'), 'upstream', 'INTERNAL'],
  [504, google(504, 'DEADLINE_EXCEEDED'), 'upstream', 'DEADLINE_EXCEEDED'],
  [401, openai('invalid_api_key'), 'key_auth', 'invalid_api_key'],
]
const azureRows: Row[] = [
  [401, azure('401', 'Access denied due to invalid subscription key or wrong API endpoint.'), 'key_auth', '401'],
  [401, azure('PermissionDenied'), 'key_auth', 'PermissionDenied'],
  [401, { statusCode: 401, message: 'Unauthorized. Access token is missing.' }, 'key_auth', ''],
  [403, azure('AccessDenied'), 'key_auth?', 'AccessDenied'],
  [403, azure('QuotaExceeded'), 'key_quota', 'QuotaExceeded'],
  [404, azure('DeploymentNotFound'), 'client', 'DeploymentNotFound'],
  [
    400,
    { error: { code: 'content_filter', message: 'm', innererror: { code: 'ResponsibleAIPolicyViolation' } } },
    'client',
    'ResponsibleAIPolicyViolation',
  ],
  [429, azure('429'), 'rate_limit', '429'],
  [429, azure('RateLimitReached'), 'rate_limit', 'RateLimitReached'],
  [429, openai('insufficient_quota'), 'key_quota', 'insufficient_quota'],
  [500, azure('InternalServerError'), 'upstream', 'InternalServerError'],
]

const tables: [ChannelType, Row[]][] = [
  ['openai', openaiRows],
  ['openai-response', openaiRows],
  ['anthropic', anthropicRows],
  ['gemini', geminiRows],
  ['azure-openai', azureRows],
]
for (const [channel, rows] of tables) {
  test(`${channel}: every documented error has its class`, () => {
    for (const [status, body, verdict, code] of rows) {
      const judged = classify(channel, status, body)
      const found = judged.errorClass + (judged.needsCorroboration ? '?' : '')
      assert.deepEqual([found, judged.code], [verdict, code], `${status} ${JSON.stringify(body)}`)
    }
  })
}

test('without a known code the status decides, on every channel, for HTML and empty bodies alike', () => {
  const expected: [number, string][] = [
    [400, 'client'],
    [401, 'key_auth'],
    [402, 'key_quota'],
    [403, 'key_auth?'],
    [404, 'client'],
    [405, 'client'],
    [408, 'upstream'],
    [409, 'client'],
    [413, 'client'],
    [415, 'client'],
    [422, 'client'],
    [425, 'upstream'],
    [429, 'rate_limit'],
    [499, 'upstream'],
    [500, 'upstream'],
    [502, 'upstream'],
    [503, 'upstream'],
    [504, 'upstream'],
    [524, 'upstream'],
    [529, 'upstream'],
    [999, 'upstream'],
    [200, 'upstream'],
    [302, 'upstream'],
  ]
  for (const channel of channelTypes) {
    for (const body of ['', '<html><body>nginx</body></html>', '{}', '[]', 'null', '{"error":null}', '{"error":"x"}']) {
      for (const [status, verdict] of expected) {
        const judged = classify(channel, status, body)
        assert.equal(
          judged.errorClass + (judged.needsCorroboration ? '?' : ''),
          verdict,
          `${channel} ${status} ${body}`,
        )
      }
    }
  }
})

test("a caller's words never blame a key: 400, 404, 413 and 422 with any message stay the client's", () => {
  const bait = fc.constantFrom(
    'quota',
    'invalid api key',
    'billing',
    'invalid_api_key',
    lowBalance,
    'API_KEY_INVALID',
    '"',
  )
  const text = fc.array(fc.oneof(bait, fc.string()), { minLength: 2 }).map((parts) => parts.join(' - '))
  const places = fc.constantFrom(
    (message: string): unknown => openai(null, 'invalid_request_error', message),
    (message: string): unknown => anthropic('invalid_request_error', message),
    (message: string): unknown => google(400, 'INVALID_ARGUMENT', [], message),
    (message: string): unknown => azure('BadRequest', message),
    (message: string): unknown => ({ error: message }),
    (message: string): unknown => ({ message }),
    (message: string): unknown => message,
  )
  fc.assert(
    fc.property(
      fc.constantFrom(...channelTypes),
      fc.constantFrom(400, 404, 413, 422),
      places,
      text,
      (channel, status, place, message) => {
        assert.equal(classify(channel, status, place(message)).errorClass, 'client')
      },
    ),
    { numRuns: 2_000 },
  )
})

test('an error quoted in the message of another is believed only with corroboration', () => {
  const quoted = JSON.stringify(openai('invalid_api_key'))
  const judged = classify('openai', 400, { error: { message: quoted } })
  assert.deepEqual([judged.errorClass, judged.needsCorroboration], ['key_auth', true])
  assert.equal(classify('openai', 400, openai('bad', 'x', quoted)).errorClass, 'client')
})

test('a model-scoped quota leaves the key to other models, a key-wide one does not', () => {
  const scoped = (...ids: string[]): boolean =>
    classify('gemini', 429, google(429, 'RESOURCE_EXHAUSTED', [quotas(...ids)])).isModelScoped
  assert.equal(scoped('GenerateRequestsPerMinutePerProjectPerModel-FreeTier'), true)
  assert.equal(scoped('GenerateRequestsPerMinutePerProjectPerModel', 'RequestsPerMinutePerProject'), false)
  assert.equal(scoped('GenerateRequestsPerDayPerProjectPerModel', 'RequestsPerMinutePerProject'), true)
  assert.equal(classify('azure-openai', 429, azure('429')).isModelScoped, true)
  assert.equal(classify('openai', 429, openai('rate_limit_exceeded')).isModelScoped, false)
})

test('deadlines: header before body, the day before the minute, none where the provider names none', () => {
  const deadline = ({ until, deadlineSource }: Classification): [number, string] => [
    until === 0 ? 0 : until - nowMs,
    deadlineSource,
  ]
  const retry = { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '34.4s' }
  const minute = google(429, 'RESOURCE_EXHAUSTED', [quotas('GenerateRequestsPerMinutePerProject'), retry])
  assert.deepEqual(deadline(classify('gemini', 429, minute)), [34_400, 'body'])
  assert.deepEqual(deadline(classify('gemini', 429, minute, ['retry-after', '5'])), [5_000, 'retry_after'])
  assert.deepEqual(deadline(classify('gemini', 429, google(429, 'RESOURCE_EXHAUSTED', [retry]))), [34_400, 'body'])
  const day = google(429, 'RESOURCE_EXHAUSTED', [
    quotas('GenerateRequestsPerMinutePerProject', 'GenerateRequestsPerDayPerProject'),
    retry,
  ])
  // 2026-03-02 00:00 in Los Angeles, UTC-8.
  assert.deepEqual(deadline(classify('gemini', 429, day)), [20 * 3_600_000, 'body'])

  const limited = openai('rate_limit_exceeded')
  const resets = ['x-ratelimit-reset-requests', '6m0s', 'x-ratelimit-remaining-requests', '0']
  assert.deepEqual(deadline(classify('openai', 429, limited, resets)), [360_000, 'rate_limit_header'])
  assert.deepEqual(deadline(classify('openai', 429, limited)), [0, 'default'])
  assert.deepEqual(deadline(classify('openai', 429, openai('insufficient_quota'), resets)), [0, 'default'])
  assert.deepEqual(
    deadline(classify('azure-openai', 429, azure('429'), ['retry-after-ms', '250', 'retry-after', '1'])),
    [250, 'retry_after'],
  )
  assert.deepEqual(deadline(classify('openai', 401, openai('invalid_api_key'), ['retry-after', '9'])), [0, 'default'])

  const regain = anthropic(
    'invalid_request_error',
    'You have reached your specified API usage limits. You will regain access on 2026-04-01 at 00:00 UTC.',
  )
  const judged = classify('anthropic', 400, regain)
  assert.deepEqual(
    [judged.errorClass, judged.needsCorroboration, judged.until],
    ['key_quota', true, Date.parse('2026-04-01T00:00:00Z')],
  )
})

test('captured errors: the quota of OpenAI, the minute of Google', { skip: noCaptures }, () => {
  assert.equal(classify('openai', 429, captureText('openai-error.1.json')).errorClass, 'key_quota')
  const judged = classify('gemini', 429, captureText('google-429-retry-info.json'))
  assert.deepEqual(
    [judged.errorClass, judged.isModelScoped, judged.until - nowMs, judged.deadlineSource],
    ['rate_limit', true, 34_400, 'body'],
  )
})

test('a creating call may be repeated where the status proves that nothing was done', () => {
  for (const status of [400, 401, 403, 404, 422, 429]) assert.equal(classify('openai', status, '').isUnprocessed, true)
  for (const status of [200, 408, 409, 499, 500, 502, 503, 529])
    assert.equal(classify('openai', status, '').isUnprocessed, false)
})

test('the message is the first of error.message, error_msg, error, message, raw text, and bounded', () => {
  const message = (body: unknown): string => classify('openai', 400, body).message
  assert.equal(message({ error: { message: 'a' }, message: 'b' }), 'a')
  assert.equal(message({ error_msg: 'a', message: 'b' }), 'a')
  assert.equal(message({ error: 'a', message: 'b' }), 'a')
  assert.equal(message({ message: 'b' }), 'b')
  assert.equal(message('plain'), 'plain')
  assert.equal(message('x'.repeat(70_000)).length, 2_048)
})

test('a sentence or a control character in place of a code is not taken for a code', () => {
  for (const code of ['two words', 'a\nb', 'x'.repeat(101), {}, [], true, 1.5])
    assert.equal(classify('openai', 400, { error: { code, message: 'm' } }).code, '')
  assert.equal(classify('openai', 400, { error: { code: 'constructor', message: 'm' } }).errorClass, 'client')
})

test('the first event of a 200 stream is judged when it is an error, and left alone when it is not', () => {
  const preamble = (channel: ChannelType, text: string): string | undefined => {
    const judged = channelOf(channel).classifyPreamble(text, nowMs)
    return judged === null ? undefined : `${judged.errorClass} ${judged.code}`
  }
  assert.equal(
    preamble('anthropic', 'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"m"}}\n\n'),
    'upstream overloaded_error',
  )
  assert.equal(
    preamble('anthropic', 'event: error\ndata: {"type":"error","error":{"type":"rate_limit_error"}}\n\n'),
    'rate_limit rate_limit_error',
  )
  assert.equal(
    preamble('anthropic', 'event: error\ndata: {"type":"error","error":{"type":"invalid_request_error"}}\n\n'),
    'client invalid_request_error',
  )
  assert.equal(
    preamble('openai', 'data: {"error":{"message":"m","type":"insufficient_quota"}}\n\n'),
    'key_quota insufficient_quota',
  )
  assert.equal(
    preamble('openai', ': comment\n\ndata: {"error":{"message":"m","type":"server_error"}}\r\n\r\n'),
    'upstream server_error',
  )
  assert.equal(
    preamble('openai-response', 'event: error\ndata: {"type":"error","code":"rate_limit_exceeded","message":"m"}\n\n'),
    'rate_limit rate_limit_exceeded',
  )
  assert.equal(
    preamble('openai-response', 'data: {"type":"response.failed","response":{"error":{"code":"server_error"}}}\n\n'),
    'upstream server_error',
  )
  assert.equal(
    preamble('gemini', '[{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"m"}}]'),
    'rate_limit RESOURCE_EXHAUSTED',
  )
  assert.equal(
    preamble('gemini', 'data: {"error":{"code":400,"status":"INVALID_ARGUMENT","message":"m"}}\r\n\r\n'),
    'client INVALID_ARGUMENT',
  )
  assert.equal(preamble('openai', '{"error":{"message":"m","type":"unheard_of"}}'), 'upstream unheard_of')
  for (const text of [
    '',
    ': ping\n\n',
    'event: ping\ndata: {"type":"ping"}\n\n',
    'data: [DONE]\n\n',
    'data: {"choices":[]}\n\n',
    'data: {"type":"response.created","response":{"error":null}}\n\n',
    '[{"candidates":[]}]',
    '{"candidates":[',
    'data: "x"\n\n',
  ])
    for (const channel of channelTypes) assert.equal(preamble(channel, text), undefined, text)
})

test('never throws, and keeps its promises, whatever the upstream answers', () => {
  const body = fc.oneof(
    fc.json(),
    fc.string(),
    fc.json().map((text) => `{"error":${text}}`),
    fc
      .json()
      .map((text) => `[{"error":{"details":${text},"code":${text},"message":${text},"status":"RESOURCE_EXHAUSTED"}}]`),
    fc.json().map((text) => JSON.stringify({ error: { message: text } })),
    fc.json().map((text) => JSON.stringify({ error: text })),
  )
  const name = fc.oneof(fc.constantFrom('retry-after', 'x-ratelimit-reset-tokens', 'retry-after-ms'), fc.string())
  const headers = fc.array(fc.tuple(name, fc.oneof(fc.string(), fc.double().map(String)))).map((pairs) => pairs.flat())
  fc.assert(
    fc.property(
      fc.constantFrom(...channelTypes),
      fc.integer({ min: 100, max: 999 }),
      body,
      headers,
      (type, status, text, raw) => {
        const channel = channelOf(type)
        const judged = channel.classify({ status, headers: raw, body: text, nowMs, model: '' })
        assert.equal(judged.until === 0 || (Number.isSafeInteger(judged.until) && judged.until > nowMs), true)
        assert.equal(judged.until === 0, judged.deadlineSource === 'default')
        assert.equal(judged.code.length <= 100 && judged.message.length <= 2_048, true)
        channel.classifyPreamble(text, nowMs)
      },
    ),
    { numRuns: 3_000 },
  )
})
