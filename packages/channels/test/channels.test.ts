import assert from 'node:assert/strict'
import { test } from 'node:test'
import { channelTypes, dialectOfChannel } from '@gpt-load/contracts/channel-types'
import type { ChannelType } from '@gpt-load/contracts/channel-types'
import type { RequestShape } from '../src/channel.ts'
import { channelOf } from '../src/find-channel.ts'

const shape = (over: Partial<RequestShape> = {}): RequestShape => ({
  method: 'POST',
  path: '/v1/chat/completions',
  query: '',
  accept: '',
  bodyModel: '',
  bodyStream: false,
  ...over,
})
const placed = (type: ChannelType, path: string, headers: string[] = []): string[] => {
  channelOf(type).placeKey(headers, 'sk', shape({ path }))
  return headers
}

test('every channel type has its channel, with the dialect that the contract names', () => {
  for (const type of channelTypes) {
    assert.equal(channelOf(type).type, type)
    assert.equal(channelOf(type).dialect, dialectOfChannel[type])
  }
})

test('the key goes where the provider wants it, never into the URL', () => {
  assert.deepEqual(placed('openai', '/v1/chat/completions'), ['Authorization', 'Bearer sk'])
  assert.deepEqual(placed('openai-response', '/v1/responses'), ['Authorization', 'Bearer sk'])
  assert.deepEqual(placed('gemini', '/v1beta/models/m:generateContent'), ['x-goog-api-key', 'sk'])
  assert.deepEqual(placed('gemini', '/v1beta/openai/chat/completions'), ['Authorization', 'Bearer sk'])
  assert.deepEqual(placed('azure-openai', '/openai/deployments/d/chat/completions'), ['api-key', 'sk'])
})

test("Anthropic's version is added only where the caller sent none, whatever its case", () => {
  assert.deepEqual(placed('anthropic', '/v1/messages'), ['x-api-key', 'sk', 'anthropic-version', '2023-06-01'])
  const sent = ['Anthropic-Version', '2024-01-01']
  assert.deepEqual(placed('anthropic', '/v1/messages', [...sent]), [...sent, 'x-api-key', 'sk'])
})

test('a stream is asked for by the body, by Accept, by the query, and by a Gemini verb', () => {
  for (const type of channelTypes) {
    const isStream = (over: Partial<RequestShape>): boolean => channelOf(type).isStream(shape(over))
    assert.equal(isStream({}), false)
    assert.equal(isStream({ bodyStream: true }), true)
    assert.equal(isStream({ accept: 'application/json, text/event-stream' }), true)
    assert.equal(isStream({ query: 'a=1&stream=true' }), true)
    assert.equal(isStream({ query: 'upstream=true&stream=truest' }), false)
    assert.equal(isStream({ path: '/v1beta/models/m:streamGenerateContent' }), type === 'gemini')
  }
})

test('the model stands in the body, in a Gemini path segment, or in an Azure deployment', () => {
  const model = (type: ChannelType, path: string, bodyModel = 'b'): string => {
    const { model: found, place } = channelOf(type).model(shape({ path, bodyModel }))
    return `${place} ${found}`
  }
  assert.equal(model('openai', '/v1/chat/completions'), 'body b')
  assert.equal(model('openai', '/v1/files', ''), 'none ')
  assert.equal(model('gemini', '/v1beta/models/gemini-x:generateContent'), 'path gemini-x')
  assert.equal(model('gemini', '/v1beta/models/gemini%2Dx'), 'path gemini-x')
  assert.equal(model('gemini', '/v1/projects/models/models/m-1:countTokens'), 'path m-1')
  assert.equal(model('gemini', '/v1beta/openai/chat/completions'), 'body b')
  assert.equal(model('gemini', '/v1beta/models', ''), 'none ')
  assert.equal(model('azure-openai', '/openai/deployments/my%20d/chat/completions'), 'path my d')
  assert.equal(model('azure-openai', '/openai/v1/chat/completions'), 'body b')
})

test('a redirect replaces the Gemini model segment and keeps its verb; other paths stay', () => {
  const replace = (type: ChannelType, path: string): string => channelOf(type).replaceModelInPath(path, 'new/1$&')
  assert.equal(
    replace('gemini', '/v1beta/models/old:streamGenerateContent'),
    '/v1beta/models/new%2F1%24%26:streamGenerateContent',
  )
  assert.equal(replace('gemini', '/v1beta/models'), '/v1beta/models')
  assert.equal(replace('gemini', '/v1beta/openai/models/old'), '/v1beta/openai/models/old')
  assert.equal(replace('azure-openai', '/openai/deployments/d/embeddings'), '/openai/deployments/d/embeddings')
  assert.equal(replace('openai', '/v1/models/old'), '/v1/models/old')
})

test('known paths without a version get it, all others stay byte for byte', () => {
  const complete = (type: ChannelType, path: string): string => channelOf(type).completePath(path)
  assert.equal(complete('openai', '/chat/completions'), '/v1/chat/completions')
  assert.equal(complete('openai-response', '/responses/r_1'), '/v1/responses/r_1')
  assert.equal(complete('openai', '/v1/chat/completions'), '/v1/chat/completions')
  assert.equal(complete('openai', '/Chat/completions'), '/Chat/completions')
  assert.equal(complete('openai', '/'), '/')
  assert.equal(complete('anthropic', '/messages/count_tokens'), '/v1/messages/count_tokens')
  assert.equal(complete('gemini', '/models/m:generateContent'), '/v1beta/models/m:generateContent')
  assert.equal(complete('gemini', '/chat/completions'), '/v1beta/openai/chat/completions')
  assert.equal(complete('gemini', '/openai/chat/completions'), '/v1beta/openai/chat/completions')
  assert.equal(complete('azure-openai', '/chat/completions'), '/openai/v1/chat/completions')
  assert.equal(complete('azure-openai', '/openai/deployments/d/x'), '/openai/deployments/d/x')
})

test('probes are the cheapest calls that the provider authenticates', () => {
  const chat = (type: ChannelType, validationEndpoint = '', model = channelOf(type).defaults.testModel) => {
    const { method, path, query, body } = channelOf(type).probe({ mode: 'chat', model, validationEndpoint })
    return { method, url: query === '' ? path : `${path}?${query}`, body: JSON.parse(body) as Record<string, unknown> }
  }
  assert.deepEqual(chat('openai'), {
    method: 'POST',
    url: '/v1/chat/completions',
    body: { model: 'gpt-4.1-nano', messages: [{ role: 'user', content: 'hi' }], max_tokens: 1 },
  })
  assert.equal(chat('openai', '', 'gpt-5-nano').body['max_tokens'], undefined)
  assert.equal(chat('openai', '', 'o4-mini').body['max_completion_tokens'], 256)
  assert.deepEqual(chat('openai-response').body, { model: 'gpt-4.1-nano', input: 'hi', max_output_tokens: 16 })
  assert.deepEqual(chat('openai', '/x/embeddings?a=1&b=2', 'e'), {
    method: 'POST',
    url: '/x/embeddings?a=1&b=2',
    body: { model: 'e', input: 'hi' },
  })
  assert.equal(chat('anthropic').body['max_tokens'], 1)
  assert.equal(chat('gemini', '/v1/chat/completions').url, '/v1beta/models/gemini-3.1-flash-lite:generateContent')
  assert.deepEqual(chat('gemini').body['generationConfig'], { maxOutputTokens: 1 })
  assert.equal(chat('gemini', '/v1beta/openai/chat/completions').body['max_tokens'], 1)
  assert.equal(
    chat('azure-openai', '', 'my d').url,
    '/openai/deployments/my%20d/chat/completions?api-version=2024-10-21',
  )
  for (const type of channelTypes) {
    const probe = channelOf(type).probe({ mode: 'models', model: 'm', validationEndpoint: '' })
    assert.deepEqual([probe.method, probe.body], ['GET', ''])
    assert.deepEqual(channelOf(type).modelListPath('GET', probe.path), { model: '' })
  }
})

test('a stateful path names its family and resource; generating calls are not stateful', () => {
  const stateful = (type: ChannelType, method: string, path: string): string => {
    const found = channelOf(type).statefulPath(method, path)
    return found === null ? '' : `${found.family} ${found.resourceId}${found.isCreation ? ' creation' : ''}`
  }
  assert.equal(stateful('openai', 'POST', '/v1/files'), 'files  creation')
  assert.equal(stateful('openai', 'GET', '/v1/files'), 'files ')
  assert.equal(stateful('openai', 'GET', '/v1/files/file-1/content'), 'files file-1')
  assert.equal(stateful('openai', 'DELETE', '/files/a%20b'), 'files a b')
  assert.equal(stateful('openai', 'POST', '/v1/threads/t_1/runs'), 'threads t_1 creation')
  assert.equal(stateful('openai', 'POST', '/v1/responses'), '')
  assert.equal(stateful('openai-response', 'GET', '/v1/responses/resp_1'), 'responses resp_1')
  assert.equal(stateful('openai', 'POST', '/v1/chat/completions'), '')
  assert.equal(stateful('openai', 'GET', '/v1/chat/completions/c_1/messages'), 'chat/completions c_1')
  assert.equal(stateful('openai', 'GET', '/v1/models'), '')
  assert.equal(stateful('openai', 'GET', '/'), '')
  assert.equal(stateful('anthropic', 'POST', '/v1/messages'), '')
  assert.equal(stateful('anthropic', 'POST', '/v1/messages/batches'), 'messages/batches  creation')
  assert.equal(stateful('anthropic', 'GET', '/v1/messages/batches/b_1/results'), 'messages/batches b_1')
  assert.equal(stateful('gemini', 'POST', '/upload/v1beta/files'), 'files  creation')
  assert.equal(stateful('gemini', 'GET', '/v1beta/files/f-1:download'), 'files f-1')
  assert.equal(stateful('gemini', 'PATCH', '/v1beta/cachedContents/c-1'), 'cachedContents c-1')
  assert.equal(stateful('gemini', 'POST', '/v1beta/models/m:generateContent'), '')
  assert.equal(stateful('azure-openai', 'GET', '/openai/files/f-1'), 'files f-1')
})

test('answers that the provider keeps are those of the Responses API', () => {
  const stores = (type: ChannelType, method: string, path: string) => channelOf(type).storesAnswer(method, path)
  for (const type of ['openai', 'openai-response', 'azure-openai'] as const)
    assert.equal(stores(type, 'POST', '/v1/responses'), true)
  assert.equal(stores('openai', 'GET', '/v1/responses'), false)
  assert.equal(stores('openai', 'POST', '/v1/chat/completions'), false)
  assert.equal(stores('anthropic', 'POST', '/v1/responses'), false)
})

test('model lists are told from single models and from other paths', () => {
  const find = (method: string, path: string) => channelOf('openai').modelListPath(method, path)?.model
  for (const path of [
    '/v1/models',
    '/models',
    '/v1beta/models',
    '/v1beta/openai/models',
    '/v1beta/openai/v1/models',
    '/api/v1/models',
  ])
    assert.equal(find('GET', path), '', path)
  assert.equal(find('GET', '/v1/models/openai/gpt-4'), 'openai/gpt-4')
  assert.equal(find('GET', '/v1beta/models/gemini%2D1'), 'gemini-1')
  for (const path of ['/v1/fine_tuning/models', '/v1/modelsx', '/v1beta/tunedModels'])
    assert.equal(find('GET', path), undefined, path)
  assert.equal(find('POST', '/v1/models'), undefined)
})
