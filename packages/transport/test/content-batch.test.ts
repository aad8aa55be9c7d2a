import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ContentRecord } from '@gpt-load/contracts/content-record'
import { encodeContent, openContentBatch, sealContentBatch } from '../src/log-batch/content-batch.ts'
import { createLogEventWriter, payloadOf } from '../src/log-batch/encode-log-event.ts'
import { openLogBatch, sealLogBatch } from '../src/log-batch/log-batch.ts'
import { sealBatch } from '../src/log-batch/sealed-batch.ts'

const identity = { source: 'i.content', edge: 'edge-1', firstSequence: 1, count: 2 }
const record: ContentRecord = {
  request_id: 'r-1',
  received_at: 1_700_000_000_000,
  group_id: 7,
  request: { content_type: 'application/json', text: '{"a":"\n😀\\"}', is_cut: false, omitted: '' },
  response: null,
}

describe('content batch', () => {
  test('gives back what was sealed, and passes over fields and lines that it does not know', () => {
    const newer = `${JSON.stringify({ ...record, later: 1 })}\n`
    const sealed = sealContentBatch(identity, [encodeContent(record), newer, 'no json\n', '{"request_id":1}\n'])
    assert.deepEqual(openContentBatch(sealed), { records: [record, record], unreadable: 2 })
  })

  test('is no batch of requests, and neither is one a content batch', () => {
    const content = sealContentBatch(identity, [encodeContent(record)])
    assert.ok('poison' in openLogBatch(content))
    const events = sealLogBatch({ identity, events: payloadOf(createLogEventWriter()), codec: 'none' })
    assert.deepEqual(openContentBatch(events), { records: [], unreadable: 1 })
  })

  test('counts as unreadable when it is damaged', () => {
    const sealed = sealBatch('GLLC', { identity, payload: Buffer.from(encodeContent(record)), codec: 'none' })
    for (let at = 0; at < sealed.length; at += 1) {
      const damaged = Uint8Array.from(sealed)
      damaged[at] = (damaged[at] ?? 0) ^ 0xff
      assert.equal(openContentBatch(damaged).records.length, 0, `byte ${at}`)
    }
  })
})
