import type { Channel, RequestShape } from './channel.ts'
import { classifyOpenai, classifyOpenaiPreamble } from './openai-errors.ts'
import { findModelListPath, openaiModelList, rewriteModelList } from './model-list.ts'
import { openaiUsage } from './openai-usage.ts'
import { withVersion } from './path-version.ts'
import { commentEvent, openaiErrorObject, renderEvent, renderJson } from './rendered-error.ts'
import { findStatefulPath, rememberStateless } from './stateful-path.ts'
import { asksForStream } from './stream-detection.ts'
import { createUsageReader } from './usage-reader.ts'

/** First segments of OpenAI's paths behind `/v1` (API reference, 2026-08), and of the rerank calls that compatible servers add. */
const openaiSegments = new Set(
  (
    'chat completions responses conversations embeddings models moderations images audio videos files uploads ' +
    'batches fine_tuning vector_stores assistants threads realtime evals containers skills rerank'
  ).split(' '),
)

const openaiFamilies = new Set(
  (
    'files uploads batches fine_tuning vector_stores assistants threads conversations evals containers videos ' +
    'skills'
  ).split(' '),
)
/** Stored answers: reading, cancelling and deleting one goes to its key; making one does not (see stateful-path). */
const storedAnswers = new Set(['responses', 'chat/completions'])

/** What the channels that speak OpenAI's formats share; each adds its name, its defaults and its probe. */
export const openaiFormat = {
  dialect: 'openai',
  placeKey(headers, secret) {
    headers.push('Authorization', `Bearer ${secret}`)
  },
  isStream: asksForStream,
  model: modelOfBody,
  replaceModelInPath: (path) => path,
  completePath: (path) => withVersion(path, '/v1', openaiSegments),
  classify: classifyOpenai,
  classifyPreamble: classifyOpenaiPreamble,
  createUsageReader: (options) => createUsageReader(openaiUsage, options),
  renderError: (error) => renderJson({ error: openaiErrorObject(error) }, error, 'x-request-id'),
  keepaliveEvent: commentEvent,
  renderStreamError: (error) => renderEvent('', { error: openaiErrorObject(error) }),
  statefulPath: rememberStateless((method, path) => {
    const answer = findStatefulPath(method, path, storedAnswers)
    if (answer !== null) return answer.resourceId === '' ? null : answer
    return findStatefulPath(method, path, openaiFamilies)
  }),
  storesAnswer: (method, path) => method === 'POST' && path.endsWith('/responses'),
  modelListPath: findModelListPath,
  rewriteModelList: (body, rules) => rewriteModelList(body, rules, openaiModelList),
} satisfies Partial<Channel>

export function modelOfBody({ bodyModel }: RequestShape): { model: string; place: 'body' | 'none' } {
  return { model: bodyModel, place: bodyModel === '' ? 'none' : 'body' }
}
