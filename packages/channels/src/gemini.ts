import type { Channel, RequestShape } from './channel.ts'
import { classifyGemini, classifyGeminiPreamble } from './gemini-errors.ts'
import { geminiUsage } from './gemini-usage.ts'
import { findModelListPath, geminiModelList, openaiModelList, rewriteModelList } from './model-list.ts'
import { modelOfBody } from './openai-format.ts'
import { decodeSegment, withVersion } from './path-version.ts'
import { probeBodyOf } from './probe-body.ts'
import { listProbe, postProbe } from './probe-request.ts'
import { commentEvent, geminiErrorBody, renderEvent, renderJson } from './rendered-error.ts'
import { findStatefulPath, rememberStateless } from './stateful-path.ts'
import { asksForStream } from './stream-detection.ts'
import { createUsageReader } from './usage-reader.ts'

const segments = new Set(['models', 'files', 'cachedContents', 'tunedModels', 'batches', 'fileSearchStores', 'openai'])
/** OpenAI's calls, which Gemini answers below `/openai`. */
const compatibleSegments = new Set(['chat', 'embeddings', 'images', 'completions'])
const families = new Set(['files', 'cachedContents', 'tunedModels', 'batches', 'fileSearchStores', 'corpora'])
const modelSegment = /^(.*\/models\/)([^/:]+)/

/**
 * Google's Gemini API. The key is a header, never part of a URL (URLs end up in logs); on the OpenAI-compatible paths it
 * is a bearer token, as there Google accepts nothing else.
 */
export const geminiChannel: Channel = {
  type: 'gemini',
  dialect: 'gemini',
  defaults: {
    upstreamUrl: 'https://generativelanguage.googleapis.com',
    testModel: 'gemini-3.1-flash-lite',
    validationEndpoint: '/v1beta/models/{test_model}:generateContent',
  },
  placeKey(headers, secret, { path }) {
    if (isCompatible(path)) headers.push('Authorization', `Bearer ${secret}`)
    else headers.push('x-goog-api-key', secret)
  },
  isStream: (request) => request.path.endsWith(':streamGenerateContent') || asksForStream(request),
  model(request: RequestShape) {
    const match = isCompatible(request.path) ? null : modelSegment.exec(request.path)
    return match === null ? modelOfBody(request) : { model: decodeSegment(match[2]!), place: 'path' }
  },
  replaceModelInPath(path, model) {
    return isCompatible(path) ? path : path.replace(modelSegment, (_all, head) => head + encodeURIComponent(model))
  },
  completePath(path) {
    return withVersion(withVersion(path, '/v1beta', segments), '/v1beta/openai', compatibleSegments)
  },
  probe({ mode, model, validationEndpoint }) {
    if (mode === 'models') return listProbe('/v1beta/models?pageSize=1')
    const isUsable = /generateContent|v1beta\/openai|\{test_model\}/.test(validationEndpoint)
    // GPT-Load ignores this setting for Gemini, so imported groups may hold another provider's path in it.
    const endpoint = isUsable ? validationEndpoint : geminiChannel.defaults.validationEndpoint
    return postProbe(endpoint, model, (path) => (isCompatible(path) ? probeBodyOf(path, model) : probeBody))
  },
  classify: classifyGemini,
  classifyPreamble: classifyGeminiPreamble,
  createUsageReader: (options) => createUsageReader(geminiUsage, options),
  renderError: (error) => renderJson(geminiErrorBody(error), error, ''),
  keepaliveEvent: commentEvent,
  renderStreamError: (error) => renderEvent('', geminiErrorBody(error)),
  statefulPath: rememberStateless((method, path) => findStatefulPath(method, path, families)),
  storesAnswer: () => false,
  modelListPath: findModelListPath,
  rewriteModelList(body, rules) {
    return rewriteModelList(body, rules, geminiModelList) ?? rewriteModelList(body, rules, openaiModelList)
  },
}

const probeBody = JSON.stringify({
  contents: [{ role: 'user', parts: [{ text: 'hi' }] }],
  generationConfig: { maxOutputTokens: 1 },
})

function isCompatible(path: string): boolean {
  return path.includes('v1beta/openai')
}
