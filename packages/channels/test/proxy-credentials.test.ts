import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { findAccessKey, removeKeyFromProtocols, removeKeyFromQuery } from '../src/proxy-credentials.ts'

const everywhere = [
  'API-Key',
  'azure',
  'X-Goog-Api-Key',
  'google',
  'x-api-key',
  'anthropic',
  'Authorization',
  'Bearer openai',
  'Sec-WebSocket-Protocol',
  'realtime, openai-insecure-api-key.socket, openai-beta.realtime-v1',
]

test('the first place that holds a value decides: query, bearer, x-api-key, x-goog-api-key, api-key, WebSocket', () => {
  const left = [...everywhere]
  assert.equal(findAccessKey('a=1&key=query', left), 'query')
  for (const [index, expected] of [
    [6, 'openai'],
    [4, 'anthropic'],
    [2, 'google'],
    [0, 'azure'],
    [8, 'socket'],
  ] as const) {
    assert.equal(findAccessKey('', left), expected)
    left[index] = 'x-other'
  }
  assert.equal(findAccessKey('', left), '')
})

test('the scheme compares without case; another scheme or an empty value falls through', () => {
  assert.equal(findAccessKey('', ['authorization', 'bEARER  k ']), 'k')
  assert.equal(findAccessKey('', ['authorization', 'Basic abc', 'x-api-key', 'k']), 'k')
  assert.equal(findAccessKey('', ['authorization', 'Bearer ', 'x-api-key', ' ', 'api-key', 'k']), 'k')
  assert.equal(findAccessKey('key=&key', ['x-api-key', 'k']), 'k')
})

test('the key of a query is decoded; a name spelled with escapes is still the key', () => {
  assert.equal(findAccessKey('key=a%2Bb%3D', []), 'a+b=')
  assert.equal(findAccessKey('%6bey=a', []), 'a')
  assert.equal(findAccessKey('key=%zz', []), '%zz')
  assert.equal(findAccessKey('monkey=a&keys=b', []), '')
})

test('removing the key leaves every other parameter byte for byte', () => {
  assert.equal(removeKeyFromQuery('b=%2f&key=secret&a=+1&&c'), 'b=%2f&a=+1&&c')
  assert.equal(removeKeyFromQuery('key=a&%6Bey=b&key'), '')
  assert.equal(removeKeyFromQuery('alt=sse&api-version=1'), 'alt=sse&api-version=1')
  const parameter = fc.oneof(
    fc.constantFrom('key=x', '%6bey=x', 'key', 'keys=1', 'a=key', '%=1', ''),
    fc.webQueryParameters(),
  )
  fc.assert(
    fc.property(fc.array(parameter), (parameters) => {
      const query = parameters.join('&')
      const cleaned = removeKeyFromQuery(query)
      // The leading & keeps URLSearchParams from dropping a question mark.
      const read = (text: string): URLSearchParams => new URLSearchParams(`&${text}`)
      assert.equal(read(cleaned).has('key'), false)
      assert.equal(removeKeyFromQuery(cleaned), cleaned)
      const others = [...read(query)].filter(([name]) => name !== 'key')
      assert.deepEqual([...read(cleaned)], others)
    }),
  )
})

test('the sub-protocol with the key is not forwarded, the others are', () => {
  assert.equal(removeKeyFromProtocols(everywhere.at(-1)!), 'realtime, openai-beta.realtime-v1')
  assert.equal(removeKeyFromProtocols('openai-insecure-api-key.k'), '')
})
