import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ChannelType } from '@gpt-load/contracts/channel-types'
import type { TokenUsage } from '@gpt-load/contracts/log-event'
import * as fc from 'fast-check'
import type { UsageReader } from '../src/channel.ts'
import { channelOf } from '../src/find-channel.ts'
import { maxLineBytes } from '../src/sse-usage-reader.ts'
import { captureChunks, captureText, noCaptures } from './captures.ts'
import { encode, everyCut, pushBorrowed, singleBytes } from './json-cuts.ts'

const usage = (input: number, output: number, cached: number, reasoning: number): TokenUsage => ({
  input,
  output,
  cached,
  reasoning,
})
const unknown = usage(-1, -1, -1, -1)

type Capture = { name: string; channel: ChannelType; usage: TokenUsage; error?: string; hasContent?: boolean }

const streams: readonly Capture[] = [
  { name: 'anthropic-clear-thinking.1', channel: 'anthropic', usage: usage(69, 53, 0, -1) },
  { name: 'anthropic-json-tool.1', channel: 'anthropic', usage: usage(849, 47, 0, -1) },
  { name: 'anthropic-message-delta-input-tokens', channel: 'anthropic', usage: usage(61, 2, -1, -1) },
  { name: 'anthropic-refusal', channel: 'anthropic', usage: usage(18, 5, 0, -1), hasContent: false },
  { name: 'anthropic-text', channel: 'anthropic', usage: usage(12, 30, 0, -1) },
  { name: 'google-reasoning', channel: 'gemini', usage: usage(9, 285, -1, 256) },
  { name: 'google-text', channel: 'gemini', usage: usage(9, 208, -1, 185) },
  { name: 'google-tool-call', channel: 'gemini', usage: usage(29, 60, -1, 45) },
  { name: 'openai-azure-model-router.1', channel: 'azure-openai', usage: usage(15, 78, 0, 64) },
  { name: 'openai-completion-text', channel: 'openai', usage: usage(14, 16, -1, -1) },
  { name: 'openai-custom-tool.1', channel: 'openai-response', usage: usage(50, 20, 0, 0) },
  {
    name: 'openai-error.1',
    channel: 'openai-response',
    usage: unknown,
    error: 'insufficient_quota',
    hasContent: false,
  },
  // Recorded up to a length limit: its last event, which would hold the usage, is missing.
  { name: 'openai-text', channel: 'openai', usage: unknown },
]

/** Framing as the provider's (captures, README). */
function frame(channel: ChannelType, payloads: readonly string[]): string {
  if (channel === 'gemini') return payloads.map((payload) => `data: ${payload}\r\n\r\n`).join('')
  if (channel === 'openai' || channel === 'azure-openai')
    return `${payloads.map((payload) => `data: ${payload}\n\n`).join('')}data: [DONE]\n\n`
  const typeOf = (payload: string): string => (JSON.parse(payload) as { type: string }).type
  return payloads.map((payload) => `event: ${typeOf(payload)}\ndata: ${payload}\n\n`).join('')
}

function read(channel: ChannelType, contentType: string, pieces: Iterable<Uint8Array>): UsageReader {
  const reader = channelOf(channel).createUsageReader({ contentType, isStream: true })
  pushBorrowed(reader, pieces)
  return reader
}

function assertCapture(reader: UsageReader, capture: Capture): void {
  assert.deepEqual(reader.usage(), capture.usage, capture.name)
  assert.equal(reader.hasContent(), capture.hasContent ?? true, capture.name)
  assert.equal(reader.streamError()?.code ?? '', capture.error ?? '', capture.name)
}

for (const capture of streams) {
  test(`finds the usage of the captured stream ${capture.name}, cut at every byte`, { skip: noCaptures }, () => {
    const bytes = encode(frame(capture.channel, captureChunks(capture.name)))
    assertCapture(read(capture.channel, 'text/event-stream', [bytes]), capture)
    assertCapture(read(capture.channel, 'text/event-stream', singleBytes(bytes)), capture)
    if (bytes.length < 5_000)
      for (const pieces of everyCut(bytes)) assertCapture(read(capture.channel, 'text/event-stream', pieces), capture)
  })
}

for (const capture of streams.filter(({ channel }) => channel === 'gemini')) {
  test(`finds the usage of ${capture.name} as a streamed JSON array, cut at every byte`, { skip: noCaptures }, () => {
    const bytes = encode(`[${captureChunks(capture.name).join('\n,\r\n')}\n]`)
    for (const pieces of everyCut(bytes)) assertCapture(read('gemini', 'application/json', pieces), capture)
  })
}

const bodies: readonly Capture[] = [
  { name: 'anthropic-text.json', channel: 'anthropic', usage: usage(12, 29, 0, -1) },
  { name: 'google-text.json', channel: 'gemini', usage: usage(9, 272, -1, 244) },
  { name: 'openai-embedding.json', channel: 'openai', usage: usage(12, 0, -1, -1) },
  { name: 'openai-error.1.json', channel: 'openai', usage: unknown, error: 'insufficient_quota', hasContent: false },
  {
    name: 'google-429-retry-info.json',
    channel: 'gemini',
    usage: unknown,
    error: 'RESOURCE_EXHAUSTED',
    hasContent: false,
  },
]

for (const capture of bodies) {
  test(`finds the usage of the captured body ${capture.name}, cut at every byte`, { skip: noCaptures }, () => {
    const bytes = encode(captureText(capture.name))
    for (const pieces of everyCut(bytes)) assertCapture(read(capture.channel, 'application/json', pieces), capture)
  })
}

test('finds the usage behind ten megabytes of embeddings, and counts no output', () => {
  const reader = read('openai', 'application/json; charset=utf-8', largeBody())
  assert.deepEqual(reader.usage(), usage(4_096, 0, -1, -1))
  assert.equal(reader.hasContent(), true)
})

function* largeBody(): Generator<Uint8Array> {
  yield encode('{"object":"list","data":[')
  const row = encode(`{"object":"embedding","usage":{"prompt_tokens":1},"embedding":[${'0.0057293195,'.repeat(80)}1]},`)
  for (let count = 0; count < 9_000; count++) yield row
  yield encode('{}],"usage":{"prompt_tokens":4096,"total_tokens":4096}}')
}

test('usage that a model wrote into its own answer counts for nothing', () => {
  const forged = '"usage":{"input_tokens":9999,"output_tokens":9999},"usageMetadata":{"promptTokenCount":9999}'
  const anthropic = `{"content":[{"type":"tool_use","input":{${forged}}},{"text":"\\"usage\\":{\\"input_tokens\\":7}"}],"usage":{"input_tokens":3,"output_tokens":4}}`
  assert.deepEqual(read('anthropic', 'application/json', [encode(anthropic)]).usage(), usage(3, 4, -1, -1))
  const gemini = `{"candidates":[{"content":{"parts":[{"functionCall":{"args":{${forged}}}}]}}],"usageMetadata":{"promptTokenCount":5}}`
  assert.deepEqual(read('gemini', 'application/json', [encode(gemini)]).usage(), usage(5, -1, -1, -1))
})

test('an event longer than the line bound still yields its usage, and the next event is read as usual', () => {
  const long = JSON.stringify({
    type: 'response.completed',
    response: { output: [{ text: 'x'.repeat(maxLineBytes * 3) }], usage: { input_tokens: 5, output_tokens: 6 } },
  })
  const text = `event: response.completed\ndata: ${long}\n\ndata: {"usage":{"input_tokens":8}}\n\n`
  const bytes = encode(text)
  for (const size of [bytes.length, 10_000, 999]) {
    const pieces: Uint8Array[] = []
    for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size))
    assert.deepEqual(read('openai-response', 'text/event-stream', pieces).usage(), usage(8, 6, -1, -1), String(size))
  }
})

test('of a fast stream, whose reads hold much at once, nothing is missed that a provider sends at its end', () => {
  const event = (pad: number): string =>
    `data: {"choices":[{"delta":{"content":"${'x'.repeat(pad)}"}}],"usage":null}\n\n`
  const last = (pad: number): string =>
    `data: {"usage":{"prompt_tokens":5,"completion_tokens":6},"error":{"code":"late"},"pad":"${'x'.repeat(pad)}"}\n\ndata: [DONE]\n\n`
  const stream = fc.record({
    pads: fc.array(fc.nat({ max: 40_000 }), { minLength: 1, maxLength: 20 }),
    lastPad: fc.constantFrom(0, 32_700, 60_000),
    readBytes: fc.integer({ min: 1_000, max: 262_144 }),
    pieceBytes: fc.integer({ min: 500, max: 262_144 }),
  })
  fc.assert(
    fc.property(stream, ({ pads, lastPad, readBytes, pieceBytes }) => {
      const bytes = encode(event(1) + pads.map(event).join('') + last(lastPad))
      const reader = channelOf('openai').createUsageReader({ contentType: 'text/event-stream', isStream: true })
      for (let from = 0; from < bytes.length; from += readBytes) {
        const read = bytes.subarray(from, from + readBytes)
        for (let at = 0; at < read.length; at += pieceBytes) {
          const piece = read.subarray(at, at + pieceBytes)
          reader.push(piece, read.length - at - piece.length)
        }
      }
      assert.deepEqual([reader.usage(), reader.streamError()?.code], [usage(5, 6, -1, -1), 'late'])
    }),
    { numRuns: 300 },
  )
})

test('Anthropic input counts what the cache read and wrote', () => {
  const body =
    '{"usage":{"input_tokens":10,"cache_creation_input_tokens":200,"cache_read_input_tokens":3000,"output_tokens":1}}'
  assert.deepEqual(read('anthropic', 'application/json', [encode(body)]).usage(), usage(3_210, 1, 3_000, -1))
})

test('a later event that names only the output keeps the input and the cache of the first', () => {
  const start =
    'data: {"type":"message_start","message":{"usage":{"input_tokens":10,"cache_read_input_tokens":90,"output_tokens":1}}}\n\n'
  const end = 'data: {"type":"message_delta","usage":{"output_tokens":7}}\n\n'
  assert.deepEqual(read('anthropic', 'text/event-stream', [encode(start + end)]).usage(), usage(100, 7, 90, -1))
})

test('content begins with the first generated byte: not with a role, an empty delta or a ping', () => {
  const first = (channel: ChannelType, ...payloads: string[]): number => {
    const reader = channelOf(channel).createUsageReader({ contentType: 'text/event-stream', isStream: true })
    return payloads.findIndex((payload) => {
      reader.push(encode(`data: ${payload}\n\n`), 0)
      return reader.hasContent()
    })
  }
  assert.equal(
    first(
      'openai',
      '{"choices":[{"delta":{"role":"assistant","content":""}}]}',
      '{"choices":[{"delta":{"content":"a"}}]}',
    ),
    1,
  )
  assert.equal(
    first(
      'openai',
      '{"choices":[{"delta":{"role":"assistant"}}]}',
      '{"choices":[{"delta":{"reasoning_content":"a"}}]}',
    ),
    1,
  )
  assert.equal(first('openai', '{"choices":[{"delta":{"tool_calls":[{"index":0}]}}]}'), 0)
  assert.equal(
    first('openai-response', '{"type":"response.created"}', '{"type":"response.output_text.delta","delta":"a"}'),
    1,
  )
  assert.equal(
    first(
      'anthropic',
      '{"type":"ping"}',
      '{"type":"content_block_start","content_block":{"type":"text","text":""}}',
      '{"type":"content_block_delta","delta":{"type":"text_delta","text":"a"}}',
    ),
    2,
  )
  assert.equal(
    first(
      'gemini',
      '{"candidates":[{"content":{"parts":[{"text":""}]}}]}',
      '{"candidates":[{"content":{"parts":[{"functionCall":{}}]}}]}',
    ),
    1,
  )
})

test('reports an error inside a 200 stream, in each dialect', () => {
  const error = (channel: ChannelType, event: string): string | undefined =>
    read(channel, 'text/event-stream', [encode(event)]).streamError()?.code
  assert.equal(error('openai', 'data: {"error":{"message":"m","type":"server_error","code":null}}\n\n'), 'server_error')
  assert.equal(
    error('openai-response', 'event: error\ndata: {"type":"error","code":"rate_limit_exceeded","message":"m"}\n\n'),
    'rate_limit_exceeded',
  )
  assert.equal(
    error('anthropic', 'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"m"}}\n\n'),
    'overloaded_error',
  )
  assert.equal(
    error('gemini', 'data: {"error":{"code":503,"message":"m","status":"UNAVAILABLE"}}\r\n\r\n'),
    'UNAVAILABLE',
  )
  const late = 'data: {"choices":[{"delta":{"content":"a"}}],"usage":null}\n\ndata: {"error":{"code":"late"}}\n\n'
  assert.equal(error('openai', late), 'late')
})

test('a body that is neither JSON nor events has unknown usage and content from its first byte', () => {
  const reader = read('openai', 'audio/mpeg', [])
  assert.equal(reader.hasContent(), false)
  reader.push(encode('ID3'), 0)
  assert.deepEqual([reader.hasContent(), reader.usage()], [true, unknown])
})

test('never throws, whatever the bytes', () => {
  const types = fc.constantFrom('text/event-stream', 'application/json', 'text/html', '')
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    fc.stringMatching(/^(data: |\n|\{|\}|"usage":|"error":|null|\[|\]|,|"type":|1)*$/).map(encode),
  )
  fc.assert(
    fc.property(fc.constantFrom('openai', 'anthropic', 'gemini'), types, fc.array(piece), (channel, type, pieces) => {
      const reader = read(channel as ChannelType, type, pieces)
      assert.equal(Number.isInteger(reader.usage().input), true)
    }),
    { numRuns: 2_000 },
  )
})
