import { classifyAnthropic, classifyAnthropicPreamble } from './anthropic-errors.ts'
import { anthropicUsage } from './anthropic-usage.ts'
import type { Channel } from './channel.ts'
import { headerValue } from './header-value.ts'
import { anthropicModelList, findModelListPath, rewriteModelList } from './model-list.ts'
import { modelOfBody } from './openai-format.ts'
import { withVersion } from './path-version.ts'
import { probeBodyOf } from './probe-body.ts'
import { listProbe, postProbe } from './probe-request.ts'
import { anthropicErrorBody, pingEvent, renderEvent, renderJson } from './rendered-error.ts'
import { findStatefulPath, rememberStateless } from './stateful-path.ts'
import { asksForStream } from './stream-detection.ts'
import { createUsageReader } from './usage-reader.ts'

const segments = new Set(['messages', 'models', 'files', 'skills', 'complete'])
const families = new Set(['messages/batches', 'files', 'skills'])
const apiVersion = '2023-06-01'

/** Anthropic's Messages API. The version header is the caller's where the caller sends one. */
export const anthropicChannel: Channel = {
  type: 'anthropic',
  dialect: 'anthropic',
  defaults: {
    upstreamUrl: 'https://api.anthropic.com',
    testModel: 'claude-haiku-4-5',
    validationEndpoint: '/v1/messages',
  },
  placeKey(headers, secret) {
    headers.push('x-api-key', secret)
    if (headerValue(headers, 'anthropic-version') === null) headers.push('anthropic-version', apiVersion)
  },
  isStream: asksForStream,
  model: modelOfBody,
  replaceModelInPath: (path) => path,
  completePath: (path) => withVersion(path, '/v1', segments),
  probe({ mode, model, validationEndpoint }) {
    if (mode === 'models') return listProbe('/v1/models?limit=1')
    const endpoint = validationEndpoint || anthropicChannel.defaults.validationEndpoint
    return postProbe(endpoint, model, (path) => probeBodyOf(path, model))
  },
  classify: classifyAnthropic,
  classifyPreamble: classifyAnthropicPreamble,
  createUsageReader: (options) => createUsageReader(anthropicUsage, options),
  renderError: (error) => renderJson(anthropicErrorBody(error), error, 'request-id'),
  keepaliveEvent: pingEvent,
  renderStreamError: (error) => renderEvent('error', anthropicErrorBody(error)),
  statefulPath: rememberStateless((method, path) => findStatefulPath(method, path, families)),
  storesAnswer: () => false,
  modelListPath: findModelListPath,
  rewriteModelList: (body, rules) => rewriteModelList(body, rules, anthropicModelList),
}
