import assert from 'node:assert/strict'
import { test } from 'node:test'
import { channelTypes } from '@gpt-load/contracts/channel-types'
import type { ChannelType } from '@gpt-load/contracts/channel-types'
import { proxyErrors } from '@gpt-load/contracts/proxy-errors'
import type { ProxyErrorCode } from '@gpt-load/contracts/proxy-errors'
import { channelOf } from '../src/find-channel.ts'

const errorOf = (code: ProxyErrorCode, retryAfterSeconds = 0) => ({
  ...proxyErrors[code],
  code,
  requestId: 'r-1',
  retryAfterSeconds,
})
const render = (type: ChannelType, code: ProxyErrorCode): unknown =>
  JSON.parse(channelOf(type).renderError(errorOf(code)).body)

test("every error carries GPT-Load's code and message beside the dialect's object", () => {
  for (const type of channelTypes) {
    for (const code of Object.keys(proxyErrors) as ProxyErrorCode[]) {
      const body = render(type, code) as { code: string; message: string; error: { message: string } }
      assert.deepEqual([body.code, body.message], [code, proxyErrors[code].message])
      assert.equal(body.error.message, proxyErrors[code].message)
    }
  }
})

test('OpenAI: message, type, param, code; codes that SDK users know', () => {
  const { message } = proxyErrors.MODEL_NOT_ALLOWED
  assert.deepEqual(render('openai', 'MODEL_NOT_ALLOWED'), {
    error: { message, type: 'invalid_request_error', param: null, code: 'model_not_found' },
    code: 'MODEL_NOT_ALLOWED',
    message,
  })
  const headers = ['Content-Type', 'application/json; charset=utf-8', 'x-request-id', 'r-1']
  assert.deepEqual(channelOf('azure-openai').renderError(errorOf('FORBIDDEN')).headers, headers)
})

test('Anthropic: type error, a type that belongs to the status, the request id in body and header', () => {
  const { message } = proxyErrors.UNAUTHORIZED
  assert.deepEqual(render('anthropic', 'UNAUTHORIZED'), {
    type: 'error',
    error: { type: 'authentication_error', message },
    request_id: 'r-1',
    code: 'UNAUTHORIZED',
    message,
  })
  assert.equal(channelOf('anthropic').renderError(errorOf('UNAUTHORIZED')).headers[2], 'request-id')
})

test('Gemini: code is the status, status its name', () => {
  const { message } = proxyErrors.KEYS_RATE_LIMITED
  assert.deepEqual(render('gemini', 'KEYS_RATE_LIMITED'), {
    error: { code: 429, message, status: 'RESOURCE_EXHAUSTED' },
    code: 'KEYS_RATE_LIMITED',
    message,
  })
})

test('Gemini: when to come again is said in the body, and our own reader finds it there', () => {
  const { body } = channelOf('gemini').renderError(errorOf('KEYS_RATE_LIMITED', 7))
  const judged = channelOf('gemini').classify({ status: 429, headers: [], body, nowMs: 1_000, model: 'm' })
  assert.deepEqual([judged.errorClass, judged.until], ['rate_limit', 8_000])
})

test('the event that ends a broken stream is read as an error by our own reader, also behind half an event', () => {
  for (const type of channelTypes) {
    const channel = channelOf(type)
    const event = channel.renderStreamError(errorOf('BAD_GATEWAY'))
    assert.equal(event.endsWith('\n\n'), true)
    const reader = channel.createUsageReader({ contentType: 'text/event-stream', isStream: true })
    reader.push(new TextEncoder().encode(`data: {"choices":[{"del${event}`), 0)
    assert.equal(reader.streamError()?.message, proxyErrors.BAD_GATEWAY.message, type)
    assert.notEqual(channel.classifyPreamble(event, 0), null)
  }
  assert.match(channelOf('anthropic').renderStreamError(errorOf('BAD_GATEWAY')), /\nevent: error\ndata: /)
  assert.match(channelOf('openai-response').renderStreamError(errorOf('BAD_GATEWAY')), /\nevent: error\ndata: /)
})
