import { classifyAzure, classifyAzurePreamble } from './azure-errors.ts'
import type { Channel } from './channel.ts'
import { modelOfBody, openaiFormat } from './openai-format.ts'
import { decodeSegment } from './path-version.ts'
import { probeBodyOf } from './probe-body.ts'
import { listProbe, postProbe } from './probe-request.ts'

const deploymentSegment = /\/deployments\/([^/?]+)/
const apiVersion = '2024-10-21'

/**
 * Azure OpenAI. The deployment in the path is what the limits are counted by and what the log shows as model; it names
 * an object of the resource's owner, so nothing here ever rewrites it. `api-version` belongs to the upstream's URL.
 */
export const azureOpenaiChannel: Channel = {
  ...openaiFormat,
  type: 'azure-openai',
  defaults: {
    upstreamUrl: 'https://example.openai.azure.com',
    testModel: 'gpt-4.1-nano',
    validationEndpoint: `/openai/deployments/{test_model}/chat/completions?api-version=${apiVersion}`,
  },
  placeKey(headers, secret) {
    headers.push('api-key', secret)
  },
  model(request) {
    const match = deploymentSegment.exec(request.path)
    return match === null ? modelOfBody(request) : { model: decodeSegment(match[1]!), place: 'path' }
  },
  /** Calls without a deployment go to the API that takes it from the body. */
  completePath(path) {
    const completed = openaiFormat.completePath(path)
    return completed === path ? path : `/openai${completed}`
  },
  probe({ mode, model, validationEndpoint }) {
    if (mode === 'models') return listProbe(`/openai/models?api-version=${apiVersion}`)
    const endpoint = validationEndpoint || azureOpenaiChannel.defaults.validationEndpoint
    return postProbe(endpoint, model, (path) => probeBodyOf(path, model))
  },
  classify: classifyAzure,
  classifyPreamble: classifyAzurePreamble,
}
