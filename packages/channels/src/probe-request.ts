import type { ProbeRequest } from './channel.ts'

/** What stands for the model in a validation endpoint. */
const modelPlaceholder = '{test_model}'

export function postProbe(endpoint: string, model: string, bodyOf: (path: string) => string): ProbeRequest {
  const [path, query] = splitEndpoint(endpointFor(endpoint, model))
  return { method: 'POST', path, query, headers: jsonHeaders('application/json'), body: bodyOf(path) }
}

export function listProbe(endpoint: string): ProbeRequest {
  const [path, query] = splitEndpoint(endpoint)
  return { method: 'GET', path, query, headers: jsonHeaders(''), body: '' }
}

export function endpointFor(endpoint: string, model: string): string {
  return endpoint.replaceAll(modelPlaceholder, encodeURIComponent(model))
}

function splitEndpoint(endpoint: string): [path: string, query: string] {
  const at = endpoint.indexOf('?')
  return at === -1 ? [endpoint, ''] : [endpoint.slice(0, at), endpoint.slice(at + 1)]
}

function jsonHeaders(contentType: string): string[] {
  const accept = ['Accept', 'application/json']
  return contentType === '' ? accept : ['Content-Type', contentType, ...accept]
}
