// Error answers as the providers document and send them: status, headers and body.

import { anthropicError } from './anthropic-error.ts'
import { jsonAnswer } from './answer.ts'
import type { ProviderAnswer, StreamErrorKind } from './answer.ts'
import { azureError } from './azure-error.ts'
import type { ProviderDialect } from './dialect.ts'
import type { ErrorDetail, ProviderErrorKind } from './error-kind.ts'
import { geminiError, geminiErrorBody } from './gemini-error.ts'
import { openAiError } from './openai-error.ts'

/** `style` differs from the dialect on Gemini's OpenAI surface only. */
export function providerError(style: ErrorStyle, kind: ProviderErrorKind, detail: ErrorDetail = {}): ProviderAnswer {
  switch (style) {
    case 'openai':
      return openAiError(kind, detail)
    case 'azure':
      return azureError(kind, detail)
    case 'anthropic':
      return anthropicError(kind, detail)
    case 'gemini':
      return geminiError(kind, detail)
    case 'gemini-openai': {
      const { status, value } = geminiErrorBody(kind, detail)
      return jsonAnswer(status, [value])
    }
  }
}

export type ErrorStyle = 'openai' | 'azure' | 'anthropic' | 'gemini' | 'gemini-openai'

export function errorStyle(dialect: ProviderDialect, isOpenAiSurface: boolean): ErrorStyle {
  if (dialect === 'gemini') return isOpenAiSurface ? 'gemini-openai' : 'gemini'
  if (dialect === 'azure-openai') return 'azure'
  return dialect === 'anthropic' ? 'anthropic' : 'openai'
}

/** The error that comes as an event when a stream has begun with 200. */
export function streamErrorBody(style: ErrorStyle, kind: StreamErrorKind): Record<string, unknown> {
  const { chunks } = providerError(style, kind)
  const body: unknown = JSON.parse(Buffer.concat(chunks).toString())
  return (Array.isArray(body) ? body[0] : body) as Record<string, unknown>
}
