// Which answer belongs to which method and path, per dialect. A path that the provider does not serve gets the
// provider's own 404.

import * as anthropic from './anthropic-messages.ts'
import { newId } from './answer.ts'
import type { ProviderAnswer } from './answer.ts'
import { isOpenAiSurface } from './dialect.ts'
import * as geminiFiles from './gemini-files.ts'
import * as gemini from './gemini-content.ts'
import * as chat from './openai-chat.ts'
import * as resources from './openai-resources.ts'
import * as responses from './openai-responses.ts'
import { errorStyle, providerError } from './provider-error.ts'
import type { ErrorStyle } from './provider-error.ts'
import type { ProviderRequest } from './provider-request.ts'

type Handler = (request: ProviderRequest, style: ErrorStyle, id: string) => ProviderAnswer
type Route = [method: string, path: RegExp, handler: Handler, needs?: 'model' | 'messages']

export function answerRoute(request: ProviderRequest): ProviderAnswer {
  const isOpenAi = isOpenAiSurface(request.path)
  const style = errorStyle(request.dialect, isOpenAi)
  const routed = isOpenAi ? { ...request, path: request.path.replace('/v1beta/openai/', '/v1/') } : request
  const routes = routesOf(request, isOpenAi)
  for (const [method, pattern, handler, needs] of routes) {
    const match = request.method === method ? pattern.exec(routed.path) : null
    if (!match) continue
    const answer = missingField(routed, style, needs) ?? handler(routed, style, decodeURIComponent(match[1] ?? ''))
    return style === 'openai' && answer.status < 400 ? withOpenAiHeaders(answer) : answer
  }
  return providerError(style, 'not-found', unknownPath(request, style))
}

function withOpenAiHeaders(answer: ProviderAnswer): ProviderAnswer {
  const headers: ProviderAnswer['headers'] = [
    ['openai-organization', 'org-fake'],
    ['openai-processing-ms', '42'],
    ['openai-version', '2020-10-01'],
    ['x-request-id', newId('req_', 16)],
  ]
  return { ...answer, headers: [...answer.headers, ...headers] }
}

function routesOf({ dialect }: ProviderRequest, isOpenAi: boolean): Route[] {
  if (dialect === 'anthropic') return ANTHROPIC_ROUTES
  return dialect === 'gemini' && !isOpenAi ? GEMINI_ROUTES : OPENAI_ROUTES
}

function unknownPath({ method, path }: ProviderRequest, style: ErrorStyle): { message?: string } {
  return style === 'openai' ? { message: `Invalid URL (${method} ${path})` } : {}
}

const OPENAI_ROUTES: Route[] = [
  ['POST', /^\/v1\/chat\/completions$/, chat.answerChat, 'messages'],
  ['POST', /^\/v1\/completions$/, chat.answerCompletion, 'model'],
  ['POST', /^\/v1\/responses$/, responses.createResponse, 'model'],
  ['GET', /^\/v1\/responses\/([^/]+)$/, responses.getResponse],
  ['DELETE', /^\/v1\/responses\/([^/]+)$/, responses.deleteResponse],
  ['POST', /^\/v1\/responses\/([^/]+)\/cancel$/, responses.cancelResponse],
  ['GET', /^\/v1\/responses\/([^/]+)\/input_items$/, responses.listInputItems],
  ['POST', /^\/v1\/embeddings$/, resources.answerEmbeddings, 'model'],
  ['GET', /^\/v1\/models$/, resources.listModels],
  ['GET', /^\/v1\/models\/(.+)$/, (_request, style, id) => resources.getModel(style, id)],
  ['POST', /^\/v1\/files$/, resources.uploadFile],
  ['GET', /^\/v1\/files$/, resources.listFiles],
  ['GET', /^\/v1\/files\/([^/]+)$/, resources.getFile],
  ['DELETE', /^\/v1\/files\/([^/]+)$/, resources.deleteFile],
  ['GET', /^\/v1\/files\/([^/]+)\/content$/, resources.getFileContent],
  ['POST', /^\/v1\/batches$/, resources.createBatch],
  ['GET', /^\/v1\/batches\/([^/]+)$/, resources.getBatch],
  ['POST', /^\/v1\/audio\/speech$/, resources.answerSpeech, 'model'],
  ['POST', /^\/v1\/audio\/(?:transcriptions|translations)$/, resources.answerTranscription],
  ['POST', /^\/v1\/images\/(?:generations|edits)$/, resources.answerImage],
]

const ANTHROPIC_ROUTES: Route[] = [
  ['POST', /^\/v1\/messages$/, anthropic.answerMessages, 'messages'],
  ['POST', /^\/v1\/messages\/count_tokens$/, anthropic.countTokens, 'messages'],
  ['GET', /^\/v1\/models$/, anthropic.listAnthropicModels],
  ['GET', /^\/v1\/models\/([^/]+)$/, (_request, _style, id) => anthropic.getAnthropicModel(id)],
  ['POST', /^\/v1\/files$/, anthropic.uploadAnthropicFile],
  ['GET', /^\/v1\/files\/([^/]+)$/, (request, _style, id) => anthropic.getAnthropicFile(request, id, false)],
  ['GET', /^\/v1\/files\/([^/]+)\/content$/, (request, _style, id) => anthropic.getAnthropicFile(request, id, true)],
  ['DELETE', /^\/v1\/files\/([^/]+)$/, (request, _style, id) => anthropic.deleteAnthropicFile(request, id)],
]

const GEMINI_ROUTES: Route[] = [
  ['POST', /^\/v1(?:beta)?\/models\/([^/:]+):generateContent$/, gemini.generateContent],
  ['POST', /^\/v1(?:beta)?\/models\/([^/:]+):streamGenerateContent$/, gemini.streamGenerateContent],
  ['POST', /^\/v1(?:beta)?\/models\/([^/:]+):countTokens$/, gemini.countGeminiTokens],
  ['POST', /^\/v1(?:beta)?\/models\/([^/:]+):embedContent$/, gemini.embedContent],
  ['POST', /^\/v1(?:beta)?\/models\/([^/:]+):batchEmbedContents$/, gemini.batchEmbedContents],
  ['GET', /^\/v1(?:beta)?\/models$/, gemini.listGeminiModels],
  ['GET', /^\/v1(?:beta)?\/models\/([^/:]+)$/, (_request, _style, id) => gemini.getGeminiModel(id)],
  ['POST', /^\/upload\/v1(?:beta)?\/files$/, geminiFiles.uploadGeminiFile],
  ['GET', /^\/v1(?:beta)?\/files$/, geminiFiles.listGeminiFiles],
  ['GET', /^\/v1(?:beta)?\/files\/([^/]+)$/, (request, _style, id) => geminiFiles.getGeminiFile(request, id)],
  ['DELETE', /^\/v1(?:beta)?\/files\/([^/]+)$/, (request, _style, id) => geminiFiles.deleteGeminiFile(request, id)],
]

/** What the providers check first: a JSON object, a model, messages. */
function missingField(request: ProviderRequest, style: ErrorStyle, needs?: Route[3]): ProviderAnswer | undefined {
  if (!needs) return undefined
  const refuse = (message: string, param?: string) =>
    providerError(style, 'bad-request', { message, ...(param && { param }) })
  const isAnthropic = style === 'anthropic'
  if (!request.json) return refuse(isAnthropic ? 'The request body is not valid JSON' : UNPARSABLE)
  if (!request.model) return refuse(isAnthropic ? 'model: Field required' : 'you must provide a model parameter')
  if (needs === 'model' || Array.isArray(request.json['messages'])) return undefined
  return isAnthropic
    ? refuse('messages: Field required')
    : refuse("Missing required parameter: 'messages'.", 'messages')
}

const UNPARSABLE =
  'We could not parse the JSON body of your request. (HINT: This likely means you aren’t using your HTTP library correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON.)'
