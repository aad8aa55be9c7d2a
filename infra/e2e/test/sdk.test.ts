import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import Anthropic from '@anthropic-ai/sdk'
import { ApiError, GoogleGenAI } from '@google/genai'
import OpenAI, { toFile } from 'openai'
import { startFakeProvider } from '@gpt-load/testkit/upstreams/fake-provider'
import type { FakeProvider } from '@gpt-load/testkit/upstreams/fake-provider'
import { createGroup } from '../src/admin-client.ts'
import type { Deployment } from '../src/deployment.ts'
import { startClusterDeployment, startStandalone } from '../src/deployment.ts'

// The official SDKs, with base URL and key changed and nothing else.

describe('official SDKs through standalone', () => flows(() => startStandalone()))
describe('official SDKs through the cluster', () =>
  flows(() => startClusterDeployment({ edges: 2, configServices: 1 })))

const weatherCall = { name: 'get_weather', arguments: { city: 'Berlin' } }

function flows(start: () => Promise<Deployment>): void {
  let deployment: Deployment
  const providers = new Map<string, FakeProvider>()
  const tokens = new Map<string, string>()

  before(async () => {
    deployment = await start()
    for (const dialect of ['openai', 'openai-response', 'anthropic', 'gemini', 'azure-openai'] as const) {
      const provider = await startFakeProvider({ dialect })
      providers.set(dialect, provider)
      const { accessKey } = await createGroup(deployment.admin, {
        name: `${dialect}-group`,
        channel: dialect,
        url: provider.url,
        keys: [`${dialect}-key-0001`, `${dialect}-key-0002`, `${dialect}-key-0003`],
      })
      tokens.set(dialect, accessKey.key)
    }
  })
  after(async () => {
    await deployment?.[Symbol.asyncDispose]()
    for (const provider of providers.values()) await provider[Symbol.asyncDispose]()
  })

  const url = (group: string, rest: string) => `${deployment.proxyUrls.at(-1)}/proxy/${group}-group${rest}`
  const openai = (group = 'openai') =>
    new OpenAI({ baseURL: url(group, '/v1'), apiKey: tokens.get(group)!, maxRetries: 0 })
  const anthropic = () =>
    new Anthropic({ baseURL: url('anthropic', ''), apiKey: tokens.get('anthropic')!, maxRetries: 0 })
  const gemini = (apiKey = tokens.get('gemini')!) =>
    new GoogleGenAI({ apiKey, httpOptions: { baseUrl: url('gemini', '') } })
  const messages = [{ role: 'user' as const, content: 'hi' }]
  const claude = { model: 'claude-haiku-4-5', max_tokens: 100, messages }

  test('OpenAI: chat, stream, tools, embeddings', async () => {
    const chat = await openai().chat.completions.create({ model: 'gpt-4.1-nano', messages })
    assert.equal(chat.choices[0]?.message.role, 'assistant')
    assert.ok((chat.usage?.total_tokens ?? 0) > 0)
    let text = ''
    for await (const chunk of await openai().chat.completions.create({ model: 'gpt-4.1-nano', messages, stream: true }))
      text += chunk.choices[0]?.delta?.content ?? ''
    assert.ok(text.length > 0)
    const tools = [
      {
        type: 'function' as const,
        function: { name: 'get_weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } },
      },
    ]
    providers.get('openai')!.reply({ toolCalls: [weatherCall] })
    const called = await openai().chat.completions.create({ model: 'gpt-4.1-nano', messages, tools })
    providers.get('openai')!.reply({})
    const [call] = called.choices[0]?.message.tool_calls ?? []
    assert.equal(call?.type === 'function' && call.function.name, 'get_weather')
    const embedding = await openai().embeddings.create({ model: 'text-embedding-3-small', input: 'hi' })
    assert.ok(embedding.data[0]!.embedding.length > 0)
  })

  test('OpenAI: files, batches, audio and images arrive whole, and what was stored is found again', async () => {
    const content = Buffer.alloc(3_000_000, Buffer.from([0xff, 0x00, 0x0d, 0x0a, 0x80]))
    const file = await openai().files.create({ purpose: 'batch', file: await toFile(content, 'batch.jsonl') })
    assert.equal(file.bytes, content.length)
    const batch = await openai().batches.create({
      input_file_id: file.id,
      endpoint: '/v1/chat/completions',
      completion_window: '24h',
    })
    for (let n = 0; n < 4; n += 1) {
      assert.equal((await openai().batches.retrieve(batch.id)).input_file_id, file.id)
      const stored = Buffer.from(await (await openai().files.content(file.id)).arrayBuffer())
      assert.ok(stored.equals(content), 'other bytes')
    }
    const speech = await openai().audio.speech.create({ model: 'gpt-4o-mini-tts', voice: 'alloy', input: 'hi' })
    assert.equal(speech.headers.get('content-type'), 'audio/mpeg')
    assert.equal((await speech.arrayBuffer()).byteLength, 4_096)
    const heard = await openai().audio.transcriptions.create({
      model: 'whisper-1',
      file: await toFile(content, 'speech.mp3'),
    })
    assert.ok(heard.text.length > 0)
    const image = await openai().images.generate({ model: 'gpt-image-1', prompt: 'hi' })
    assert.ok((image.data?.[0]?.b64_json?.length ?? 0) > 0)
  })

  test('OpenAI: a picture of 20 MB and thousands of texts to embed pass unchanged', async () => {
    const provider = providers.get('openai')!
    const url = `data:image/png;base64,${'iVBORw0KGgo+/'.repeat(1_600_000)}`
    const picture = [{ role: 'user' as const, content: [{ type: 'image_url' as const, image_url: { url } }] }]
    const sent = Buffer.from(JSON.stringify({ model: 'gpt-4.1-nano', messages: picture }))
    await openai().chat.completions.create({ model: 'gpt-4.1-nano', messages: picture })
    const received = provider.requests.at(-1)!
    assert.equal(received.bodyBytes, sent.length)
    assert.equal(received.bodySha256, createHash('sha256').update(sent).digest('hex'))
    const input = Array.from({ length: 20_000 }, (_, n) => `text number ${n} ${'x'.repeat(100)}`)
    const embedded = await openai().embeddings.create({ model: 'text-embedding-3-small', input })
    assert.equal(embedded.data.length, input.length)
  })

  test('OpenAI Responses: create, stream', async () => {
    const response = await openai('openai-response').responses.create({ model: 'gpt-5-nano', input: 'hi' })
    assert.equal(response.status, 'completed')
    const types: string[] = []
    for await (const event of await openai('openai-response').responses.create({
      model: 'gpt-5-nano',
      input: 'hi',
      stream: true,
    }))
      types.push(event.type)
    assert.equal(types.at(-1), 'response.completed')
  })

  test('Azure OpenAI: chat by deployment path', async () => {
    const response = await fetch(
      url('azure-openai', '/openai/deployments/nano/chat/completions?api-version=2024-10-21'),
      {
        method: 'POST',
        headers: { 'api-key': tokens.get('azure-openai')!, 'content-type': 'application/json' },
        body: JSON.stringify({ messages }),
      },
    )
    assert.equal(response.status, 200)
    assert.match(await response.text(), /chat\.completion/)
  })

  test('Anthropic: message, stream, tools', async () => {
    const message = await anthropic().messages.create(claude)
    assert.equal(message.content[0]?.type, 'text')
    const stream = anthropic().messages.stream(claude)
    assert.ok((await stream.finalMessage()).usage.output_tokens > 0)
    const tools = [{ name: 'get_weather', input_schema: { type: 'object' as const, properties: {} } }]
    providers.get('anthropic')!.reply({ toolCalls: [weatherCall] })
    const called = await anthropic().messages.create({ ...claude, tools })
    providers.get('anthropic')!.reply({})
    assert.ok(called.content.some(({ type }) => type === 'tool_use'))
  })

  test('Gemini: generate, stream', async () => {
    const answer = await gemini().models.generateContent({ model: 'gemini-2.5-flash-lite', contents: 'hi' })
    assert.ok((answer.text ?? '').length > 0)
    let text = ''
    for await (const chunk of await gemini().models.generateContentStream({
      model: 'gemini-2.5-flash-lite',
      contents: 'hi',
    }))
      text += chunk.text ?? ''
    assert.ok(text.length > 0)
  })

  test('errors of the provider and of the proxy become the SDKs own exceptions', async () => {
    await assert.rejects(
      new OpenAI({ baseURL: url('openai', '/v1'), apiKey: 'gpl_wrong-access-key-000', maxRetries: 0 }).models.list(),
      OpenAI.AuthenticationError,
    )
    await assert.rejects(
      new Anthropic({
        baseURL: url('anthropic', ''),
        apiKey: 'gpl_wrong-access-key-000',
        maxRetries: 0,
      }).messages.create(claude),
      Anthropic.AuthenticationError,
    )
    await assert.rejects(
      gemini('gpl_wrong-access-key-000').models.generateContent({ model: 'm', contents: 'hi' }),
      (error) => error instanceof ApiError && error.status === 401,
    )
    const bad = {
      status: 400,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ error: { message: 'bad', type: 'invalid_request_error', param: null, code: null } }),
    }
    providers.get('openai')!.everyKey.respond(bad, { times: 1 })
    await assert.rejects(openai().chat.completions.create({ model: 'gpt-4.1-nano', messages }), OpenAI.BadRequestError)
    await assert.rejects(
      new OpenAI({
        baseURL: `${deployment.proxyUrls[0]}/proxy/no-such-group/v1`,
        apiKey: tokens.get('openai')!,
        maxRetries: 0,
      }).models.list(),
      OpenAI.NotFoundError,
    )
  })

  test('an abort of the caller reaches the provider', async () => {
    const provider = providers.get('openai')!
    Object.assign(provider.stream, { chunks: 500, intervalMs: 20 })
    const controller = new AbortController()
    const stream = await openai().chat.completions.create(
      { model: 'gpt-4.1-nano', messages, stream: true },
      { signal: controller.signal },
    )
    const aborted = provider.waitForAbort()
    for await (const _ of stream) {
      controller.abort()
      break
    }
    await aborted
  })
}
