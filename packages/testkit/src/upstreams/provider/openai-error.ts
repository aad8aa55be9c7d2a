// Source: OpenAI's guides "Error codes" and "Rate limits".

import { jsonAnswer, newId } from './answer.ts'
import type { ProviderAnswer } from './answer.ts'
import type { ErrorDetail, ProviderErrorKind } from './error-kind.ts'

type OpenAiError = { status: number; type: string; code: string | null; message: string }

export function openAiError(kind: ProviderErrorKind, detail: ErrorDetail): ProviderAnswer {
  const { status, type, code, message } = openAiErrorFields(kind, detail)
  const body = { error: { message: detail.message ?? message, type, param: detail.param ?? null, code } }
  return jsonAnswer(status, body, openAiErrorHeaders(kind, detail))
}

function openAiErrorFields(kind: ProviderErrorKind, detail: ErrorDetail): OpenAiError {
  const { key = '', model = 'gpt-4.1-nano', retryAfterS = 1 } = detail
  switch (kind) {
    case 'missing-key':
      return { status: 401, type: 'invalid_request_error', code: null, message: OPENAI_MISSING_KEY }
    case 'invalid-key':
      return { status: 401, type: 'invalid_request_error', code: 'invalid_api_key', message: openAiInvalidKey(key) }
    case 'permission-denied':
      return {
        status: 403,
        type: 'invalid_request_error',
        code: 'unsupported_country_region_territory',
        message: OPENAI_COUNTRY,
      }
    case 'rate-limited':
      return { status: 429, type: 'requests', code: 'rate_limit_exceeded', message: openAiLimit(model, retryAfterS) }
    case 'out-of-quota':
      return { status: 429, type: 'insufficient_quota', code: 'insufficient_quota', message: OPENAI_QUOTA }
    case 'overloaded':
      return {
        status: 503,
        type: 'server_error',
        code: null,
        message: 'The engine is currently overloaded, please try again later',
      }
    case 'server-error':
      return { status: 500, type: 'server_error', code: null, message: OPENAI_SERVER_ERROR }
    case 'model-not-found':
      return { status: 404, type: 'invalid_request_error', code: 'model_not_found', message: openAiModel(model) }
    case 'not-found':
      return { status: 404, type: 'invalid_request_error', code: null, message: 'Invalid URL' }
    case 'bad-request':
      return { status: 400, type: 'invalid_request_error', code: null, message: 'Invalid request' }
  }
}

const OPENAI_MISSING_KEY =
  "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY)."
const OPENAI_COUNTRY = 'Country, region, or territory not supported'
const OPENAI_QUOTA =
  'You exceeded your current quota, please check your plan and billing details. For more information on this error, read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors.'
const OPENAI_SERVER_ERROR = 'The server had an error while processing your request. Sorry about that!'

function openAiInvalidKey(key: string): string {
  const masked =
    key.length > 12 ? `${key.slice(0, 8)}${'*'.repeat(key.length - 12)}${key.slice(-4)}` : '*'.repeat(key.length)
  return `Incorrect API key provided: ${masked}. You can find your API key at https://platform.openai.com/account/api-keys.`
}

function openAiLimit(model: string, retryAfterS: number): string {
  return `Rate limit reached for ${model} in organization org-fake on requests per min (RPM): Limit 500, Used 500, Requested 1. Please try again in ${retryAfterS}s. Visit https://platform.openai.com/account/rate-limits to learn more.`
}

function openAiModel(model: string): string {
  return `The model \`${model}\` does not exist or you do not have access to it.`
}

function openAiErrorHeaders(kind: ProviderErrorKind, { retryAfterS = 1 }: ErrorDetail): Record<string, string> {
  const headers = { 'x-request-id': newId('req_', 16), 'openai-version': '2020-10-01' }
  if (kind !== 'rate-limited') return headers
  return {
    ...headers,
    'retry-after': String(Math.ceil(retryAfterS)),
    'retry-after-ms': String(Math.ceil(retryAfterS * 1000)),
    'x-ratelimit-limit-requests': '500',
    'x-ratelimit-remaining-requests': '0',
    'x-ratelimit-reset-requests': goDuration(retryAfterS),
    'x-ratelimit-limit-tokens': '200000',
    'x-ratelimit-remaining-tokens': '199000',
    'x-ratelimit-reset-tokens': '300ms',
  }
}

/** OpenAI writes its reset headers so: `1s`, `6m0s`, `120ms`. */
export function goDuration(seconds: number): string {
  if (seconds < 1) return `${Math.round(seconds * 1000)}ms`
  const rounded = Math.round(seconds * 1000) / 1000
  const minutes = Math.floor(rounded / 60)
  return minutes > 0 ? `${minutes}m${Math.round((rounded - minutes * 60) * 1000) / 1000}s` : `${rounded}s`
}
