import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  captureDialect,
  captureNames,
  capturesAvailable,
  CAPTURES_MISSING,
  frameChunks,
  framingOf,
  loadPayloads,
} from '../src/upstreams/capture-files.ts'
import { startFakeProvider } from '../src/upstreams/fake-provider.ts'

const skip = capturesAvailable() ? false : CAPTURES_MISSING

test('every recorded stream is framed by its provider and loses no payload', { skip }, () => {
  assert.ok(captureNames('stream').length > 0)
  for (const name of captureNames('stream')) {
    const text = Buffer.concat(frameChunks(name)).toString()
    const data = [...text.matchAll(/^data: (.*?)\r?$/gm)].map(([, payload]) => payload)
    assert.deepEqual(
      data.filter((payload) => payload !== '[DONE]'),
      loadPayloads(name),
      name,
    )
    assert.equal(data.at(-1) === '[DONE]', framingOf(name) === 'openai-chat', name)
    assert.equal(/^event: /m.test(text), /responses|anthropic/.test(framingOf(name)), name)
    assert.equal(text.includes('\r\n\r\n'), captureDialect(name) === 'gemini', name)
  }
})

test('a Gemini recording is also a JSON array', { skip }, () => {
  for (const name of captureNames('stream').filter((file) => captureDialect(file) === 'gemini')) {
    const array = JSON.parse(Buffer.concat(frameChunks(name, 'gemini-array')).toString()) as unknown[]
    assert.deepEqual(
      array,
      loadPayloads(name).map((payload) => JSON.parse(payload) as unknown),
    )
  }
})

test('a recording is replayed byte for byte, one write per event', { skip }, async () => {
  await using provider = await startFakeProvider({ dialect: 'openai' })
  for (const name of captureNames('stream')) {
    const frames = frameChunks(name)
    const chunkSizes = frames.map((frame) => frame.length)
    provider.everyKey.recover()
    provider.replay(Buffer.concat(frames), { chunkSizes })
    const response = await fetch(provider.url, { headers: { authorization: 'Bearer k' } })
    assert.ok(Buffer.from(await response.arrayBuffer()).equals(Buffer.concat(frames)), name)
  }
})
