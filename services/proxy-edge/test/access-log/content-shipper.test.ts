import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import type { ContentRecord } from '@gpt-load/contracts/content-record'
import { defaultRedactionRules } from '@gpt-load/contracts/redaction-rules'
import { createSystemClock } from '@gpt-load/service-kit/clock'
import { until } from '@gpt-load/testkit/until'
import { openContentBatch } from '@gpt-load/transport/log-batch/content-batch'
import { silentLogger } from '@gpt-load/transport/transport-logger'
import { createContentShipper } from '../../src/access-log/content/content-shipper.ts'
import {
  redactionMarginBytes,
  type CapturedBody,
  type CapturedContent,
} from '../../src/data-plane/observe/content-capture.ts'

const json = 'application/json'

function body(text: string | Uint8Array, changes: Partial<CapturedBody> = {}): CapturedBody {
  return {
    bytes: new Uint8Array(Buffer.from(text as string)),
    contentType: json,
    encoding: '',
    isCut: false,
    ...changes,
  }
}

function content(request: CapturedBody | null, changes: Partial<CapturedContent> = {}): CapturedContent {
  return {
    requestId: 'r-1',
    receivedAtMs: 1_700_000_000_000,
    groupId: 1,
    request,
    response: null,
    rules: defaultRedactionRules,
    maxBytes: 65_536,
    secrets: [],
    ...changes,
  }
}

function open(options: { maxWaitingBytes?: number; isAway?: boolean } = {}) {
  const records: ContentRecord[] = []
  const state = { isAway: options.isAway ?? false, opened: 0 }
  const shipper = createContentShipper({
    edge: 'edge-1',
    instance: 'i',
    openProducer: () => {
      state.opened += 1
      return {
        async send(batches) {
          if (state.isAway) throw new Error('away')
          for (const { bytes } of batches) records.push(...openContentBatch(bytes).records)
        },
        isConnected: () => true,
        close: async () => {},
      }
    },
    clock: createSystemClock(),
    logger: silentLogger as never,
    ...(options.maxWaitingBytes === undefined ? {} : { maxWaitingBytes: options.maxWaitingBytes }),
  })
  return { shipper, records, state, [Symbol.asyncDispose]: () => shipper.close() }
}

/** What becomes of one request body. */
async function rendered(captured: CapturedBody, changes: Partial<CapturedContent> = {}) {
  await using opened = open()
  opened.shipper.add(content(captured, changes))
  await opened.shipper.flush(10_000)
  assert.equal(opened.records.length, 1)
  return opened.records[0]!.request!
}

describe('content shipper', () => {
  test('redacts before anything leaves, by rules and by the secrets of the request', async () => {
    const text = 'to jane@example.com with PROVIDER-SECRET-1 and customer-12345'
    const { text: redacted } = await rendered(body(text), {
      rules: 'email\n/customer-\\d+/',
      secrets: ['PROVIDER-SECRET-1'],
    })
    assert.equal(redacted, 'to [email] with [key] and [redacted]')
  })

  test('looks into content codings, within the bound', async () => {
    const text = JSON.stringify({ mail: 'jane@example.com', more: 'x'.repeat(100) })
    const expected = text.replace('jane@example.com', '[email]')
    assert.equal((await rendered(body(gzipSync(text), { encoding: 'gzip' }))).text, expected)
    assert.equal((await rendered(body(brotliCompressSync(text), { encoding: 'br' }))).text, expected)
    const bomb = await rendered(body(gzipSync(Buffer.alloc(50 * 1_048_576, 'a')), { encoding: 'gzip' }), {
      maxBytes: 2_048,
    })
    assert.deepEqual([bomb.text.length, bomb.is_cut], [2_048, true])
    const cut = gzipSync(`${'ab'.repeat(5_000)}`).subarray(0, 30)
    assert.equal((await rendered(body(cut, { encoding: 'gzip', isCut: true }))).omitted, '')
  })

  test('records only the type of what is no text or cannot be decoded', async () => {
    const image = await rendered(body('PNG', { contentType: 'image/png' }))
    assert.deepEqual(image, { content_type: 'image/png', text: '', is_cut: false, omitted: 'binary' })
    const form = await rendered(body('x', { contentType: 'multipart/form-data; boundary=x' }))
    assert.equal(form.omitted, 'binary')
    for (const encoding of ['gzip', 'unheard-of'])
      assert.equal((await rendered(body('jane@example.com', { encoding }))).omitted, 'encoding')
  })

  test('never shows the half of a secret that the cut has divided', async () => {
    const maxBytes = 1_024
    const secret = 'sk-0123456789abcdefghijklmnopqrstuvwxyz'
    await using opened = open()
    for (let at = 100; at <= maxBytes + redactionMarginBytes; at += 7) {
      // Redaction makes the beginning shorter, so that the end moves to before the cut.
      const long = `sk-${'x'.repeat(400)} `
      const text = `${long.repeat(3)}${'. '.repeat(at / 2)}${secret}${' .'.repeat(2_000)}`
      const captured = text.slice(0, maxBytes + redactionMarginBytes)
      opened.shipper.add(content(body(captured, { isCut: true }), { maxBytes, requestId: `at-${at}` }))
    }
    await opened.shipper.flush(10_000)
    assert.ok(opened.records.length > 100)
    for (const { request_id: id, request } of opened.records) {
      const { text, is_cut: isCut } = request!
      assert.ok(isCut)
      assert.ok(Buffer.byteLength(text) <= maxBytes)
      assert.ok(!text.includes('sk-0123'), id)
    }
  })

  test('sees what a stream has spread over events', async () => {
    const event = (delta: string) => `data: ${JSON.stringify({ choices: [{ delta: { content: delta } }] })}\n\n`
    const stream = ['mail ', 'jane@', 'exam', 'ple.com', '!'].map(event).join('')
    const { text } = await rendered(body(stream, { contentType: 'text/event-stream' }))
    assert.ok(!text.includes('jane@') && text.includes('[email]'), text)
  })

  test('records nothing by rules that cannot be used, and goes on with others', async () => {
    await using opened = open()
    opened.shipper.add(content(body('jane@example.com'), { rules: '/(?=x)/' }))
    opened.shipper.add(content(body('hello'), { requestId: 'r-2' }))
    await opened.shipper.flush(10_000)
    assert.deepEqual(
      opened.records.map(({ request_id }) => request_id),
      ['r-2'],
    )
    assert.deepEqual({ ...opened.shipper.counts }, { captured: 2, sent: 1, dropped: 1, waitingBytes: 0 })
  })

  test('opens no producer before there is something to send', async () => {
    await using opened = open()
    assert.equal(opened.state.opened, 0)
    opened.shipper.add(content(body('hello')))
    await opened.shipper.flush(10_000)
    assert.equal(opened.state.opened, 1)
  })

  test('holds no more than its bound while the log stream is away, counts the rest, and sends what it has', async () => {
    await using opened = open({ maxWaitingBytes: 10_000, isAway: true })
    for (let n = 0; n < 50; n += 1) opened.shipper.add(content(body('x'.repeat(1_000)), { requestId: `r-${n}` }))
    assert.equal(opened.shipper.counts.dropped, 40)
    assert.ok(opened.shipper.counts.waitingBytes <= 10_000)
    opened.state.isAway = false
    await until(() => opened.records.length === 10, { what: 'the rest to be sent', timeoutMs: 10_000 })
    assert.equal(opened.shipper.counts.waitingBytes, 0)
  })
})
