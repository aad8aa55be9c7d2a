import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ChannelType } from '@gpt-load/contracts/channel-types'
import { channelOf } from '../src/find-channel.ts'

type Rules = { sources: readonly string[]; isStrict: boolean; isFirstPage: boolean }
const rewrite = (type: ChannelType, body: unknown, over: Partial<Rules> = {}): unknown => {
  const rules = { sources: ['s-2', 'a', 'g-*'], isStrict: false, isFirstPage: true, ...over }
  const text = channelOf(type).rewriteModelList(typeof body === 'string' ? body : JSON.stringify(body), rules)
  return text === null ? null : JSON.parse(text)
}
const openaiList = { object: 'list', data: [{ id: 'a', owned_by: 'x' }, { id: 'g-1' }, { id: 'b' }] }
const synthetic = (id: string): object => ({ id, object: 'model', created: 0, owned_by: 'system' })

test('loose: the upstream list, then the sources that it lacks, on the first page only', () => {
  assert.deepEqual(rewrite('openai', openaiList), { object: 'list', data: [...openaiList.data, synthetic('s-2')] })
  assert.deepEqual(rewrite('openai', openaiList, { isFirstPage: false }), openaiList)
})

test('strict: the sources alone, in their order; a pattern stands for what it matches upstream', () => {
  assert.deepEqual(rewrite('openai', openaiList, { isStrict: true }), {
    object: 'list',
    data: [synthetic('s-2'), synthetic('a'), { id: 'g-1' }],
  })
})

test('Gemini: names carry models/, a strict list has no further page', () => {
  const list = { models: [{ name: 'models/a' }, { name: 'models/g-1' }], nextPageToken: 't' }
  const added = { name: 'models/s-2', displayName: 's-2', supportedGenerationMethods: ['generateContent'] }
  assert.deepEqual(rewrite('gemini', list), { models: [...list.models, added], nextPageToken: 't' })
  assert.deepEqual(rewrite('gemini', list, { isStrict: true, sources: ['s-2', 'g-*'] }), {
    models: [added, list.models[1]],
  })
  assert.deepEqual(rewrite('gemini', openaiList), { object: 'list', data: [...openaiList.data, synthetic('s-2')] })
})

test('Anthropic: entries in its shape, first_id and last_id are those of the new list', () => {
  const list = { data: [{ type: 'model', id: 'z' }], first_id: 'z', last_id: 'z', has_more: true }
  const added = (id: string): object => ({ type: 'model', id, display_name: id, created_at: '1970-01-01T00:00:00Z' })
  assert.deepEqual(rewrite('anthropic', list, { sources: ['a'] }), {
    data: [list.data[0], added('a')],
    first_id: 'z',
    last_id: 'a',
    has_more: true,
  })
  const strict = rewrite('anthropic', list, { sources: ['a', 'b'], isStrict: true })
  assert.deepEqual(strict, { data: [added('a'), added('b')], first_id: 'a', last_id: 'b', has_more: false })
})

test('what is not a model list is left alone', () => {
  for (const body of ['', '<html>', '[]', '{"data":{}}', '{"error":{}}']) assert.equal(rewrite('openai', body), null)
})
