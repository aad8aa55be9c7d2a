import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createHeadroom, readHeadroom } from '../src/rate-limit-headroom.ts'

const nowMs = 1_700_000_000_000

function read(headers: Record<string, string>) {
  const headroom = createHeadroom()
  readHeadroom(headroom, ['Content-Type', 'application/json', ...Object.entries(headers).flat()], nowMs)
  const { requestsLeft, requestsResetMs, tokensLeft, tokensResetMs } = headroom
  return [
    requestsLeft,
    requestsResetMs === 0 ? 0 : requestsResetMs - nowMs,
    tokensLeft,
    tokensResetMs === 0 ? 0 : tokensResetMs - nowMs,
  ]
}

test('OpenAI: requests and tokens, each with its own reset', () => {
  const headers = {
    'X-RateLimit-Limit-Requests': '60',
    'X-RateLimit-Remaining-Requests': '3',
    'X-RateLimit-Reset-Requests': '6m0s',
    'x-ratelimit-remaining-tokens': '149',
    'x-ratelimit-reset-tokens': '120ms',
  }
  assert.deepEqual(read(headers), [3, 360_000, 149, 120])
})

test('Anthropic: of input, output and all tokens the tightest counts', () => {
  const reset = (ms: number) => new Date(nowMs + ms).toISOString()
  const headers = {
    'anthropic-ratelimit-requests-remaining': '0',
    'anthropic-ratelimit-requests-reset': reset(9_000),
    'anthropic-ratelimit-tokens-remaining': '8000',
    'anthropic-ratelimit-tokens-reset': reset(1_000),
    'anthropic-ratelimit-output-tokens-remaining': '500',
    'anthropic-ratelimit-output-tokens-reset': reset(2_000),
    'anthropic-ratelimit-input-tokens-remaining': '7500',
    'anthropic-ratelimit-input-tokens-reset': reset(3_000),
  }
  assert.deepEqual(read(headers), [0, 9_000, 500, 2_000])
})

test('a remainder without a kind is of requests; one without a reset holds for some seconds (Azure)', () => {
  assert.deepEqual(read({ 'x-ratelimit-remaining': '2', 'x-ratelimit-reset': '30' }), [2, 30_000, -1, 0])
  assert.deepEqual(read({ 'x-ratelimit-remaining-tokens': '7' }), [-1, 0, 7, 5_000])
})

test('what is plentiful, unknown or no number is not told', () => {
  assert.deepEqual(read({}), [-1, 0, -1, 0])
  assert.deepEqual(
    read({ 'x-ratelimit-remaining-requests': '29999', 'x-ratelimit-remaining-tokens': '149999990' }),
    [-1, 0, -1, 0],
  )
  assert.deepEqual(
    read({ 'x-ratelimit-remaining-requests': 'many', 'x-ratelimit-remaining-tokens': '-4' }),
    [-1, 0, -1, 0],
  )
})

test('nothing of one answer stays for the next', () => {
  const headroom = createHeadroom()
  readHeadroom(headroom, ['x-ratelimit-remaining-requests', '1', 'x-ratelimit-reset-requests', '1s'], nowMs)
  readHeadroom(headroom, ['content-type', 'text/plain'], nowMs)
  assert.deepEqual(headroom, createHeadroom())
})
