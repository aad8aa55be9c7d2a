// Source: Gemini API "Troubleshooting" and the google.rpc error details.

import { jsonAnswer } from './answer.ts'
import type { ProviderAnswer } from './answer.ts'
import type { ErrorDetail, ProviderErrorKind } from './error-kind.ts'

type GeminiDetail = Record<string, unknown> & { '@type': string }

export function geminiError(kind: ProviderErrorKind, detail: ErrorDetail): ProviderAnswer {
  const { status, value } = geminiErrorBody(kind, detail)
  return jsonAnswer(status, value)
}

export function geminiErrorBody(kind: ProviderErrorKind, detail: ErrorDetail): { status: number; value: unknown } {
  const [code, status, usual, details] = geminiErrorFields(kind, detail)
  const message = detail.message ?? usual
  return { status: code, value: { error: { code, message, status, ...(details && { details }) } } }
}

function geminiErrorFields(kind: ProviderErrorKind, detail: ErrorDetail): [number, string, string, GeminiDetail[]?] {
  const { model = 'gemini-2.5-flash', retryAfterS = 1 } = detail
  switch (kind) {
    case 'missing-key':
      return [403, 'PERMISSION_DENIED', GEMINI_MISSING_KEY]
    case 'invalid-key':
      return [400, 'INVALID_ARGUMENT', GEMINI_INVALID_KEY, GEMINI_INVALID_KEY_DETAILS]
    case 'permission-denied':
      return [403, 'PERMISSION_DENIED', 'The caller does not have permission']
    case 'rate-limited':
      return [429, 'RESOURCE_EXHAUSTED', GEMINI_QUOTA, geminiQuota(`${PER_MINUTE}-FreeTier`, model, retryAfterS)]
    case 'out-of-quota':
      return [429, 'RESOURCE_EXHAUSTED', GEMINI_QUOTA, geminiQuota(`${PER_DAY}-FreeTier`, model)]
    case 'overloaded':
      return [503, 'UNAVAILABLE', 'The model is overloaded. Please try again later.']
    case 'server-error':
      return [
        500,
        'INTERNAL',
        'An internal error has occurred. Please retry or report in https://developers.generativeai.google/guide/troubleshooting',
      ]
    case 'bad-request':
      return [400, 'INVALID_ARGUMENT', 'Request contains an invalid argument.']
    case 'model-not-found':
      return [
        404,
        'NOT_FOUND',
        `models/${model} is not found for API version v1beta, or is not supported for generateContent.`,
      ]
    case 'not-found':
      return [404, 'NOT_FOUND', 'Requested entity was not found.']
  }
}

const PER_MINUTE = 'GenerateRequestsPerMinutePerProjectPerModel'
const PER_DAY = 'GenerateRequestsPerDayPerProjectPerModel'
const GEMINI_MISSING_KEY =
  "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other form of API consumer identity to call this API."
const GEMINI_INVALID_KEY = 'API key not valid. Please pass a valid API key.'
const GEMINI_QUOTA =
  'You exceeded your current quota, please check your plan and billing details. For more information on this error, head to: https://ai.google.dev/gemini-api/docs/rate-limits.'

const GEMINI_INVALID_KEY_DETAILS: GeminiDetail[] = [
  {
    '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
    reason: 'API_KEY_INVALID',
    domain: 'googleapis.com',
    metadata: { service: 'generativelanguage.googleapis.com' },
  },
  { '@type': 'type.googleapis.com/google.rpc.LocalizedMessage', locale: 'en-US', message: GEMINI_INVALID_KEY },
]

function geminiQuota(quotaId: string, model: string, retryAfterS?: number): GeminiDetail[] {
  const violation = {
    quotaMetric: 'generativelanguage.googleapis.com/generate_content_free_tier_requests',
    quotaId,
    quotaDimensions: { location: 'global', model },
    quotaValue: '15',
  }
  const details: GeminiDetail[] = [
    { '@type': 'type.googleapis.com/google.rpc.QuotaFailure', violations: [violation] },
    {
      '@type': 'type.googleapis.com/google.rpc.Help',
      links: [
        { description: 'Learn more about Gemini API quotas', url: 'https://ai.google.dev/gemini-api/docs/rate-limits' },
      ],
    },
  ]
  if (retryAfterS === undefined) return details
  return [...details, { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: `${retryAfterS}s` }]
}
