// Source: Azure OpenAI REST reference. What it does not name there comes through in OpenAI's own shape.

import { jsonAnswer } from './answer.ts'
import type { ProviderAnswer } from './answer.ts'
import type { ErrorDetail, ProviderErrorKind } from './error-kind.ts'
import { openAiError } from './openai-error.ts'

export function azureError(kind: ProviderErrorKind, detail: ErrorDetail): ProviderAnswer {
  const { retryAfterS = 1 } = detail
  const wait = String(Math.ceil(retryAfterS))
  switch (kind) {
    case 'missing-key':
    case 'invalid-key':
      return jsonAnswer(401, { error: { code: '401', message: detail.message ?? AZURE_INVALID_KEY } }, {}, 0)
    case 'rate-limited': {
      const message = `Requests to the ChatCompletions_Create Operation under Azure OpenAI API version 2024-10-21 have exceeded call rate limit of your current OpenAI S0 pricing tier. Please retry after ${wait} seconds.`
      const headers = { 'retry-after': wait, 'x-ratelimit-reset-requests': wait, 'x-ms-region': 'East US' }
      return jsonAnswer(429, { error: { code: '429', message: detail.message ?? message } }, headers, 0)
    }
    case 'model-not-found':
      return jsonAnswer(
        404,
        { error: { code: 'DeploymentNotFound', message: detail.message ?? AZURE_DEPLOYMENT } },
        {},
        0,
      )
    case 'not-found':
      return jsonAnswer(404, { error: { code: '404', message: detail.message ?? 'Resource not found' } }, {}, 0)
    default:
      return openAiError(kind, detail)
  }
}

const AZURE_INVALID_KEY =
  'Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an active subscription and use a correct regional API endpoint for your resource.'
const AZURE_DEPLOYMENT =
  'The API deployment for this resource does not exist. If you created the deployment within the last 5 minutes, please wait a moment and try again.'
